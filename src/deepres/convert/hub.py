"""Weights from the Hugging Face hub, fetched because somebody named them: `hub:REPO[/FILE]`."""

from pathlib import Path

from ..errors import Failed, UserError

PREFIX = "hub:"
# A repository's description, then one set of its weights: pickles only where there is no other.
DESCRIPTION = ["config.json", "preprocessor_config.json", "card.json"]
WEIGHTS = ("weights.safetensors", "model.safetensors", "pytorch_model.bin")


def fetched(name: str) -> Path:
    """The file, or the folder of a repository, in the hub's own cache; offline from there alone."""
    try:
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError:
        raise UserError(
            f"{name} is on the Hugging Face hub, and huggingface_hub, which fetches from there, is"
            " not installed: `pip install deepres[hub]`."
        ) from None
    repository, file = parts(name)
    try:
        if file:
            return Path(hf_hub_download(repository, file))
        for weights in WEIGHTS:
            folder = Path(snapshot_download(repository, allow_patterns=[*DESCRIPTION, weights]))
            if (folder / weights).is_file():
                return folder
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:  # nobody there to ask
        raise Failed(f"{name} cannot be fetched: {_first_line(error)}") from None
    except (OSError, ValueError) as error:  # of the hub, of a wrong name
        raise UserError(f"{name} cannot be fetched: {_first_line(error)}") from None
    raise UserError(
        f"{name} has no weights under a usual name (model.safetensors, pytorch_model.bin): name the"
        f" file, as in {PREFIX}{repository}/FILE."
    )


def parts(name: str) -> tuple[str, str]:
    """Repository and file: the first two words are the repository, or the only one."""
    words = name.removeprefix(PREFIX).split("/")
    if not all(words) or ".." in words:
        raise UserError(
            f"{name}: a name on the hub is {PREFIX}OWNER/REPOSITORY or that with /FILE."
        )
    return "/".join(words[:2]), "/".join(words[2:])


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no answer")
