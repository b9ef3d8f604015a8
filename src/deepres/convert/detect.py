"""Whose checkpoint it is, and the network of the paper that it makes."""

import re
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ..errors import UserError
from ..models.outlined import outlined
from ..models.weights import MEAN_IMAGE, matched
from ..spec import Arch
from .architecture import arch_of
from .families import FAMILIES
from .family import Checkpoint, Converted, Family, Profile
from .others import told_by_names, told_by_shapes

COUNTER = "num_batches_tracked"  # files from before 2018 lack it; no prediction needs it


def converted(checkpoint: Checkpoint, source: str | None = None) -> Converted:
    """The checkpoint under our names; `source` names its family where the keys do not."""
    where = str(checkpoint.path)
    if what := told_by_names(checkpoint.tensors):
        raise UserError(f"{where} {what}.")
    fitting = [family for family in FAMILIES if family.fits(checkpoint)]
    family = chosen(checkpoint, fitting, source)
    tensors, authors = renamed(family, checkpoint)
    mean_image = tensors.pop(MEAN_IMAGE, None)
    if what := told_by_shapes(tensors):
        raise UserError(f"{where} {what}.")
    profile = family.profile(checkpoint, tensors)
    arch = arch_of(tensors, profile, where)
    guessed = profile.guessed
    if source is None:
        others = [other for other in fitting if other is not family]
        guessed += tuple(alternatives(checkpoint, tensors, arch, profile, family.name, others))
    return Converted(
        arch=arch,
        tensors=completed(arch, tensors, authors, where),
        profile=Profile(**{**vars(profile), "guessed": guessed}),
        source=family.name,
        mean_image=mean_image,
        notes=checkpoint.notes + precision(checkpoint.tensors.values()),
        container=checkpoint.container,
    )


def chosen(checkpoint: Checkpoint, fitting: list[Family], source: str | None) -> Family:
    """The family that was named, else the first that is presumed."""
    names = ", ".join(family.name for family in fitting)
    if not fitting:
        first = ", ".join(sorted(checkpoint.tensors)[:3])
        raise UserError(
            f"{checkpoint.path}: its keys ({first}, ...) are of no kind of ResNet file known here;"
            " torchvision's (conv1.weight, layer1.0.conv1.weight, fc.weight) would be."
        )
    if source is not None:
        named = next((family for family in fitting if family.name == source), None)
        if named is None:
            raise UserError(f"{checkpoint.path} is no file of {source!r}; --source can be {names}.")
        return named
    presumed = next((family for family in fitting if family.presumed(checkpoint)), None)
    if presumed is None:
        choices = "; ".join(f"--source {family.name} ({family.about})" for family in fitting)
        raise UserError(
            f"{checkpoint.path}: its keys are the same for different networks and its name does"
            f" not tell them apart: say {choices}."
        )
    return presumed


def renamed(family: Family, checkpoint: Checkpoint) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors under torchvision's names, each used once; and those names to the author's."""
    given = family.prepare(checkpoint) if family.prepare else checkpoint.tensors
    patterns = [(re.compile(pattern), name) for pattern, name in family.names]
    tensors: dict[str, Tensor] = {}
    authors: dict[str, str] = {}
    for key, tensor in given.items():
        match, name = next(
            ((match, name) for pattern, name in patterns if (match := pattern.fullmatch(key))),
            (None, ""),
        )
        if match is None:
            raise UserError(
                f"{checkpoint.path} has {key}, which no network of the paper has"
                f" (read as {family.name}: {family.about})."
            )
        new = match.expand(name) if isinstance(name, str) else name(match)
        if new in tensors:
            raise UserError(f"{checkpoint.path}: {key} and {authors[new]} are one tensor's names.")
        tensors[new], authors[new] = tensor, key
    return tensors, authors


def completed(
    arch: Arch, tensors: dict[str, Tensor], authors: dict[str, str], where: str
) -> dict[str, Tensor]:
    """Every tensor of the network and no other, in full precision and in memory of its own."""
    shapes = {name: t.shape for name, t in outlined(arch).state_dict().items()}
    for name in shapes.keys() - tensors.keys():
        if name.endswith(COUNTER):
            tensors[name] = torch.zeros((), dtype=torch.int64)
    matched(
        {authors.get(name, name): tensor for name, tensor in tensors.items()},
        {authors.get(name, name): shape for name, shape in shapes.items()},
        where,
    )
    return {name: tensors[name].detach().to(_kind(name), copy=True).contiguous() for name in shapes}


def _kind(name: str) -> torch.dtype:
    return torch.int64 if name.endswith(COUNTER) else torch.float32


def precision(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """A note where numbers were not stored in single precision."""
    kinds = {str(t.dtype).removeprefix("torch.") for t in tensors if t.is_floating_point()}
    other = ", ".join(sorted(kinds - {"float32"}))
    return (f"Numbers stored as {other} are float32 now.",) if other else ()


def alternatives(
    checkpoint: Checkpoint,
    tensors: dict[str, Tensor],
    arch: Arch,
    profile: Profile,
    family: str,
    others: Iterable[Family],
) -> Iterator[str]:
    """A sentence on the other families that the keys fit and that would answer differently."""
    ours, told = aspects(arch, profile), list[str]()
    assumed: dict[str, None] = {}
    for other in others:
        theirs_profile = other.profile(checkpoint, tensors)
        theirs = aspects(arch_of(tensors, theirs_profile, str(checkpoint.path)), theirs_profile)
        if differing := [key for key in ours if ours[key] != theirs[key]]:
            assumed |= dict.fromkeys(ours[key] for key in differing)
            told.append(f"{other.name} ({', '.join(theirs[key] for key in differing)})")
    if told:
        yield (
            f"Read as {family}'s ({', '.join(assumed)}): its keys fit {'; '.join(told)} as well,"
            " which --source NAME chooses."
        )


def aspects(arch: Arch, profile: Profile) -> dict[str, str]:
    """What a family says beyond the keys, for people."""
    how = profile.preprocessing
    return {
        "shortcuts": "no shortcuts" if arch.shortcut == "none" else f"option {arch.shortcut}",
        "stride": f"stride on the {arch.stride_at if arch.stride_at == '3x3' else 'first 1x1'}",
        "stem": f"stem {arch.stem}",
        "pixels": f"{how.colour} 0-{how.maximum}",
        "mean": "mean " + " ".join(f"{value:g}" for value in how.mean),
        "deviation": "deviation " + " ".join(f"{value:g}" for value in how.std),
        "resized": f"resized to {how.resize} {how.interpolation}",
        "size": f"size {how.size}",
    }
