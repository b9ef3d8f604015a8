"""The tables of the page on more machines: bytes counted on networks, seconds from `bench/`."""

from deepres.models.zoo import arch
from deepres.spec import CIFAR, IMAGENET
from deepres.together import gradient_bytes, sent_bytes

from .results import ROOT, lines

SMALL = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "resnet1202")
LARGE = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
LINKS = (1, 10, 25, 100, 400)  # gigabits a second


def gradients() -> str:
    """Gradients of a step in fp32, and what each of as many ranks as replicas sends."""
    rows = ["| network | replicas | gradients | each of as many ranks sends |", "|---|---|---|---|"]
    for name in (*SMALL, *LARGE):
        replicas = (CIFAR if arch(name).stem == "3x3" else IMAGENET).replicas
        whole = gradient_bytes(name)
        sent = sent_bytes(whole, replicas, replicas)
        rows.append(f"| {name} | {replicas} | {_mb(whole)} | {_mb(sent)} |")
    return "\n".join(rows) + "\n"


def machines() -> str:
    """Seconds in which a rank sends what it sends, by the speed of its link: a division."""
    whole, replicas = gradient_bytes("resnet50"), IMAGENET.replicas
    head = " | ".join(f"{speed} Gbit/s" for speed in LINKS)
    rows = [f"| ResNet-50 over | sent by each | {head} |", "|---" * (len(LINKS) + 2) + "|"]
    for ranks in (2, 4, 8):
        sent = sent_bytes(whole, replicas, ranks)
        times = " | ".join(f"{8 * sent / (speed * 1e9) * 1e3:,.0f} ms" for speed in LINKS)
        rows.append(f"| {ranks} ranks | {_mb(sent)} | {times} |")
    return "\n".join(rows) + "\n"


def measured() -> str:
    """The last committed line of `bench/ranks.py`."""
    line = [one for one in lines(ROOT / "bench") if one["bench"].startswith("ranks, ")][-1]
    rows = [
        "| ResNet-20, batch 128 as 2 x 64 | a step, median | least | most |",
        "|---|---|---|---|",
    ]
    for name, told in (*line["seconds"].items(), ("the exchange alone", line["exchange_seconds"])):
        times = " | ".join(f"{told[what]:.3f} s" for what in ("median", "min", "max"))
        rows.append(f"| {name} | {times} |")
    ratios = [
        f"{told['median']:.2f} ({told['min']:.2f} to {told['max']:.2f}) times the images of {name}"
        for name, told in line["two_ranks_against"].items()
    ]
    return "\n".join(rows) + f"\n\nTwo ranks: {', and '.join(ratios)}.\n"


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
