"""What came of a run: its final errors with counts, its speed, where it goes wrong."""

from msgspec import Struct

from ..tally import Tally


class Mistake(Struct, frozen=True):
    """A test picture that was answered wrongly, and how sure the network was."""

    index: int  # in the data set's canonical order
    label: str
    guess: str
    probability: float
    png: str  # the picture itself, base64


class Result(Struct, frozen=True, kw_only=True):
    """The end of a run. Population statistics are of clean training images, taken afterwards."""

    key: str
    steps: int
    seconds: float  # everything, over all sessions
    images_per_second: float  # median over the training steps
    while_training: Tally  # the last stretch of steps: augmented, training mode; no top 5 (0)
    trained_on: Tally  # clean, population statistics
    held_out: Tally | None
    test: Tally  # population statistics, unless the protocol says otherwise
    test_running: Tally  # the same with the statistics that training left behind
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]  # of the test: a row for each true class
    mistakes: tuple[Mistake, ...]  # the most confident ones
