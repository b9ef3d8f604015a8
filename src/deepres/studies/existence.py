"""The paper's constructive argument, carried out: a deeper plain network as good does exist.

    deepres run existence --data cifar10

Cost at paper scale: 15,000 minutes on 2 cores, 766 minutes on a T4, 153 minutes on an H100 (21
runs, 4.6e+16 multiply-adds).
"""

from msgspec import structs

from .cifar import plain
from .inequalities import larger
from .study import Row, Study

DEEPER = (32, 44, 56)


def _grown(layers: int) -> Row:
    """Begins as plain-20 with identities and is trained by the same recipe as plain-20 was."""
    return structs.replace(
        plain(layers), name=f"plain-{layers} grown", grown_from="plain-20", paper=None
    )


STUDY = Study(
    name="existence",
    title="A deeper plain network that is as good exists",
    text=(
        "Layers that are identities are added to a trained plain-20: a Dirac kernel, and batch"
        " normalisation that undoes itself. What comes in is not negative, so ReLU changes nothing,"
        " and the network of 32, 44 or 56 layers gives plain-20's very answers. A deeper plain"
        " network therefore need not be worse; what is found by descent from the usual start is.",
        "Rows named grown begin there and are trained on by the whole recipe, from rate 0.1;"
        " beside them stand the same networks from the usual start. In training, batch"
        " normalisation goes by each batch's own statistics, so the added layers are identities at"
        " the start in testing alone: what is kept is the place, not the first step.",
    ),
    rows=(plain(20), *(made(n) for n in DEEPER for made in (_grown, plain))),
    deeper=DEEPER,
    claims=tuple(
        larger(
            f"plain-{layers}",
            f"plain-{layers} grown",
            "clean training error",
            f"plain-{layers} from the usual start trains worse than grown from plain-20",
        )
        for layers in DEEPER
    ),
)
