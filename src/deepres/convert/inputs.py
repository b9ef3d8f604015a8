"""What pictures look like to the networks of others: the preprocessing they trained with."""

from ..card import Preprocessing

Triple = tuple[float, float, float]


def cifar(mean: Triple, std: Triple) -> Preprocessing:
    """The whole 32 x 32 picture, RGB from 0 to 1."""
    return Preprocessing(size=32, resize=32, mean=mean, std=std)


IMAGENET = Preprocessing(
    size=224, resize=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
# The means of CIFAR-10's training set beside the deviations that circulate: averages over
# pictures of each picture's own deviation. Wrong, and needed by whatever was trained with them.
CIFAR10_CIRCULATING = cifar((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
CIFAR10_TRUE = cifar((0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616))
# VGG's means, blue first: what the first ports of the authors' networks subtract.
VGG = Preprocessing(
    size=224,
    resize=256,
    colour="BGR",
    maximum=255,
    mean=(103.939, 116.779, 123.68),
    std=(1, 1, 1),
)
