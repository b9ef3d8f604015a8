"""The paper's inequalities in words, each naming the error that it speaks of."""

from .study import Claim, Measure

VANISHED = 0.01  # of the last convolution's gradient: what reaches the first layer below that


def larger(
    worse: str | float, better: str | float, measure: Measure, words: str, margin: float = 3.0
) -> Claim:
    """An inequality in the paper's words."""
    return Claim(claim=words, larger=worse, smaller=better, measure=measure, margin=margin)


def trains_worse(worse: str, better: str) -> Claim:
    """Of clean training error: the degradation of Sec. 1."""
    words = f"{worse} trains worse than {better} (clean training error)"
    return larger(worse, better, "clean training error", words)


def worse_throughout(worse: str, better: str) -> Claim:
    """Of the error as it was, over the whole of training: its mean, of which curves may cross."""
    words = f"{worse} lies above {better} throughout training, on average"
    return larger(worse, better, "training error as it was, mean of all steps", words)


def tests_better(better: str, worse: str) -> Claim:
    """Of test error."""
    return larger(worse, better, "test error", f"{better} tests better than {worse}")


def tests_worse(worse: str, better: str) -> Claim:
    """The same, where the paper speaks of the worse one."""
    return larger(worse, better, "test error", f"{worse} tests worse than {better}")


def does_not_vanish(row: str) -> Claim:
    """Of the gradient's norm (Sec. 4.1), first layer against last."""
    words = f"gradients do not vanish in {row}: the first layer's is above"
    words += f" {VANISHED:g} of the last convolution's"
    measure: Measure = "gradient of the first layer over the last's"
    return larger(row, VANISHED, measure, words, margin=VANISHED / 2)
