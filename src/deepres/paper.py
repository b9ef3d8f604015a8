"""The numbers the paper prints, each typed once. Errors in percent unless said otherwise."""

from typing import NamedTuple


class Error(NamedTuple):
    """Top-1 and top-5 error; None where the paper prints a dash."""

    top1: float | None
    top5: float | None = None


class Spread(NamedTuple):
    """Mean and standard deviation over runs: five of ResNet-110."""

    mean: float
    deviation: float


class Cifar(NamedTuple):
    """A row of Table 6; `error` is the best run where there is a spread."""

    method: str
    layers: int | None
    parameters: str | None
    error: float
    spread: Spread | None = None


TITLE = "Deep Residual Learning for Image Recognition"
ARXIV = "1512.03385"

# Table 1, last row: what the paper calls FLOPs are multiply-adds.
TABLE_1_MULTIPLY_ADDS = {18: 1.8e9, 34: 3.6e9, 50: 3.8e9, 101: 7.6e9, 152: 11.3e9}
VGG_MULTIPLY_ADDS = {16: 15.3e9, 19: 19.6e9}

# Table 2: ImageNet validation, 10 crops.
TABLE_2 = {"plain18": 27.94, "plain34": 28.54, "resnet18-a": 27.88, "resnet34-a": 25.03}

# Table 3: 10 crops, validation.
TABLE_3 = {
    "VGG-16": Error(28.07, 9.33),
    "GoogLeNet": Error(None, 9.15),
    "PReLU-net": Error(24.27, 7.38),
    "plain34": Error(28.54, 10.02),
    "resnet34-a": Error(25.03, 7.76),
    "resnet34": Error(24.52, 7.46),
    "resnet34-c": Error(24.19, 7.40),
    "resnet50": Error(22.85, 6.71),
    "resnet101": Error(21.75, 6.05),
    "resnet152": Error(21.43, 5.71),
}

# Table 4: one model, multi-scale, validation (the first row on the test set).
TABLE_4_ON_TEST = "VGG (ILSVRC'14)"
ONE_DIGIT = "VGG v5"  # in Tables 4 and 5: printed with one digit behind the point
TABLE_4 = {
    "VGG (ILSVRC'14)": Error(None, 8.43),
    "GoogLeNet": Error(None, 7.89),
    "VGG v5": Error(24.4, 7.1),
    "PReLU-net": Error(21.59, 5.71),
    "BN-inception": Error(21.99, 5.81),
    "resnet34": Error(21.84, 5.71),
    "resnet34-c": Error(21.53, 5.60),
    "resnet50": Error(20.74, 5.25),
    "resnet101": Error(19.87, 4.60),
    "resnet152": Error(19.38, 4.49),
}

# Table 5: ensembles, top-5 on the test set.
TABLE_5 = {
    "VGG (ILSVRC'14)": 7.32,
    "GoogLeNet": 6.66,
    "VGG v5": 6.8,
    "PReLU-net": 4.94,
    "BN-inception": 4.82,
    "ResNet": 3.57,
}

# Table 6: CIFAR-10 test.
TABLE_6 = (
    Cifar("Maxout", None, None, 9.38),
    Cifar("NIN", None, None, 8.81),
    Cifar("DSN", None, None, 8.22),
    Cifar("FitNet", 19, "2.5M", 8.39),
    Cifar("Highway", 19, "2.3M", 7.54, Spread(7.72, 0.16)),
    Cifar("Highway", 32, "1.25M", 8.80),
    Cifar("ResNet", 20, "0.27M", 8.75),
    Cifar("ResNet", 32, "0.46M", 7.51),
    Cifar("ResNet", 44, "0.66M", 7.17),
    Cifar("ResNet", 56, "0.85M", 6.97),
    Cifar("ResNet", 110, "1.7M", 6.43, Spread(6.61, 0.16)),
    Cifar("ResNet", 1202, "19.4M", 7.93),
)
RESNET_1202_TRAINING_ERROR_BELOW = 0.1
PLAIN_110_ERROR_ABOVE = 60.0

# Table 7: mAP of Faster R-CNN with VGG-16, then ResNet-101.
TABLE_7 = {"VOC 07 test": (73.2, 76.4), "VOC 12 test": (70.4, 73.8)}
# Table 8: COCO validation, mAP at .5 and at [.5, .95].
TABLE_8 = {"VGG-16": (41.5, 21.2), "ResNet-101": (48.4, 27.2)}
# Table 9: COCO, the same two numbers on val and on test-dev.
TABLE_9 = {
    "box refinement": ((49.9, 29.9), None),
    "context": ((51.1, 30.0), (53.3, 32.2)),
    "multi-scale testing": ((53.8, 32.5), (55.7, 34.9)),
    "ensemble": (None, (59.0, 37.4)),
}
TABLES_10_AND_11 = {"VOC 07": 85.6, "VOC 12": 83.8}
# Table 12: ImageNet detection, mAP on val and test.
TABLE_12 = {"GoogLeNet": (None, 43.9), "single": (60.5, 58.8), "ensemble": (63.6, 62.1)}
# Table 13: localisation error, step by step; the first is VGG's.
TABLE_13 = (33.1, 13.3, 11.7, 14.4, 10.6, 8.9)
# Table 14: top-5 localisation error on val and test.
TABLE_14 = {
    "OverFeat": (30.0, 29.9),
    "GoogLeNet": (None, 26.7),
    "VGG": (26.9, 25.3),
    "ResNet": (8.9, 9.0),
}

# The authors' release notes: one crop, ten crops.
RELEASED = {
    "resnet50": (Error(24.7, 7.8), Error(22.9, 6.7)),
    "resnet101": (Error(23.6, 7.1), Error(21.8, 6.1)),
    "resnet152": (Error(23.0, 6.7), Error(21.4, 5.7)),
}

# What others have reported, no part of the paper. Plain networks as one reproduction reads them
# off Fig. 6; its own lowest errors seen on the test set during training, which are biased low.
FIGURE_6_PLAIN_ABOUT = {20: 9.5, 32: 10.0, 44: 12.0, 56: 13.5}
REPRODUCTION_PLAIN = {20: 9.5, 32: 9.92, 44: 11.35, 56: 12.76}
REPRODUCTION_RESIDUAL = {20: 8.0, 32: 7.51, 44: 7.38, 56: 7.33}
# A Table 1 network on raw 32x32 CIFAR-10, batch 256, 56 epochs, no augmentation.
TABLE_1_ON_CIFAR = Error(26.93, 2.89)
TABLE_1_ON_CIFAR_TRAINING_ACCURACY = 99.3
TABLE_1_ON_CIFAR_MINUTES = 270

# Sec. 3.4: images to train on and to validate, the edges of crops, the shorter sides of pictures.
IMAGENET_IMAGES = (1_280_000, 50_000)
CROP = 224
TRAINING_SIDES = (256, 480)
TEN_CROP_SIDE = 256
TEST_SCALES = (224, 256, 384, 480, 640)
# Sec. 4.2: images to train on and to test; the split that chose the schedule; the warm-up of 110
# layers lasted about so long, until the training error was below so many percent.
CIFAR_IMAGES = (50_000, 10_000)
CIFAR_SPLIT = (45_000, 5_000)
WARM_UP_ITERATIONS = 400
WARM_UP_ERROR_BELOW = 80
# The deepest VGG network, whose depth the abstract divides by.
VGG_LAYERS = 19
