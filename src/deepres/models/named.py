"""A network by its name: the paper's from the zoo, or anybody's own as `module:callable`."""

import contextlib
import importlib
import importlib.util
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import UserError
from .initialise import created
from .outlined import outlined
from .zoo import arch

CLASSES = ("num_classes", "classes", "n_classes")  # what people call the argument, first wins


def is_own(name: str) -> bool:
    """Whether a name means the user's own network: `package.module:callable`, `file.py:Net`."""
    return ":" in name


def named(name: str, classes: int | None = None, device: str = "cpu") -> nn.Module:
    """A new network: a zoo name, `package.module:callable` or `path/to/file.py:callable`.

    A callable is called without arguments, but for `classes` where it takes them. On `meta` only
    the paper's networks go without memory: other code may read its values while it is built.
    """
    if is_own(name):
        network = own(name, classes)
        return network if device == "meta" else network.to(device)
    if device == "meta":
        return outlined(arch(name, classes))
    return created(arch(name, classes)).to(device)  # drawn on the CPU: alike everywhere


def own(name: str, classes: int | None = None) -> nn.Module:
    """The `nn.Module` that the user's class, factory or ready instance stands for."""
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise UserError(f"{name!r}: write package.module:callable or path/to/file.py:callable.")
    maker = _attribute(_module(name, place), place, attribute)
    if isinstance(maker, nn.Module):
        return maker
    if not callable(maker):
        raise UserError(
            f"{name}: {attribute} is of type {type(maker).__name__}; name a class or a function"
            " that gives an nn.Module."
        )
    arguments = _arguments(name, attribute, maker, classes)
    with foreign(f"{name}: {attribute}() raised"):
        network = maker(**arguments)
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{name}: {attribute}() gave {type(network).__name__}, not an nn.Module: name a class"
            " or a function that gives one."
        )
    return network


@contextlib.contextmanager
def foreign(what: str) -> Iterator[None]:
    """Runs the user's code: what it prints goes to standard error, what it raises is a sentence."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise UserError(f"{what} {_said(error)}.") from error


def _said(error: BaseException) -> str:
    """An exception in a few words, with the line of code that raised it."""
    message = " ".join(str(error).split()).rstrip(".")
    text = type(error).__name__ + (f": {message[:300]}" if message else "")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _foreign_file(f.filename)]
    return text + (f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else "")


def _foreign_file(path: str) -> bool:
    """Whether a frame lies in the user's code, neither in ours nor in what is installed."""
    ours, python = str(Path(__file__).parent.parent), sysconfig.get_path("stdlib")
    return not path.startswith((ours, python, "<")) and "site-packages" not in path


def _module(name: str, place: str) -> Any:
    """The imported module; the current folder counts, as it does for `python -m`."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    arguments, sys.argv = sys.argv, [place]  # scripts that parse arguments see none of ours
    try:
        if place.endswith(".py") or "/" in place:
            return _file(name, Path(place))
        return _imported(name, place)
    finally:
        sys.argv = arguments


def _imported(name: str, place: str) -> Any:
    with foreign(f"{name}: importing {place} raised"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            missing = error.name or place
            if place != missing and not place.startswith(f"{missing}."):
                raise
    raise UserError(
        f"{name}: there is no module {place} in {Path.cwd()} or among the installed packages;"
        " a file can be named as path/to/file.py:callable."
    )


def _file(name: str, path: Path) -> Any:
    """A module from its file, under the file's own name; its neighbours can be imported."""
    if not path.is_file():
        raise UserError(f"{name}: there is no file {path}.")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{name}: {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses and pickles look it up there
    with foreign(f"{name}: running {path} raised"):
        spec.loader.exec_module(module)
    return module


def _attribute(module: Any, place: str, attribute: str) -> Any:
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserError(f"{place} has no {attribute}{_offered(module)}.")
        found = getattr(found, part)
    return found


def _offered(module: Any) -> str:
    """What a module defines itself that could have been meant."""
    names = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    return f"; it defines {', '.join(sorted(names)[:12])}" if names else ""


def _arguments(
    name: str, attribute: str, maker: Callable[..., Any], classes: int | None
) -> dict[str, int]:
    """The number of classes, where it is given and taken; whatever else is needed is refused."""
    try:
        signature = inspect.signature(maker)
    except ValueError:
        return {}
    taken = [word for word in CLASSES if word in signature.parameters]
    if not taken and any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        taken = [CLASSES[0]]
    arguments = {taken[0]: classes} if taken and classes is not None else {}
    try:
        signature.bind(**arguments)
    except TypeError:
        needed = [
            p.name
            for p in signature.parameters.values()
            if p.default is p.empty
            and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
        raise UserError(
            f"{name}: {attribute} needs {', '.join(needed)}: name a function without arguments"
            f" that returns {attribute}(...)."
        ) from None
    return arguments
