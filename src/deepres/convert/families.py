"""Every family, the more particular ones first: the order in which one is presumed."""

from . import akamaster, amartyn, torchvision
from .family import Family

FAMILIES: tuple[Family, ...] = (
    amartyn.FAMILY,
    amartyn.PLAIN_FAMILY,
    akamaster.FAMILY,
    torchvision.V2,
    torchvision.FAMILY,
)
