"""What the ImageNet studies share: Sec. 3.4's training, and the views of Sec. 3.4's tests."""

from ..spec import IMAGENET, Protocol
from .study import Printed, Row

TEN = Protocol(views="ten")  # four corners, the centre, and their mirrors
MULTI_SCALE = Protocol(views="multi-scale", scales=(224, 256, 384, 480, 640))


def network(name: str, network: str, views: Protocol, top1: float, top5: float | None) -> Row:
    """A network trained once as in Sec. 3.4; how it is tested never changes its training."""
    paper = Printed(error=top1, top5=top5)
    return Row(name=name, network=network, recipe=IMAGENET, views=views, paper=paper)
