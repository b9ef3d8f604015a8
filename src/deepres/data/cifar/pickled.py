"""The values in a pickle, read without running anything that it names.

The standard library splits the file into operations (`pickletools`, which runs no code); here a
small stack machine follows those that plain values and NumPy arrays need. An array stays what
the file says of it - shape, type, bytes - so that not even NumPy sees a state it cannot trust.
"""

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .facts import Damaged

_MARK = object()
# What `pickletools` and our own steps raise for operations that do not fit together.
BROKEN = (ValueError, IndexError, KeyError, TypeError, AttributeError, DeprecationWarning)


@dataclass
class Array:
    """A pickled NumPy array; `fortran` tells that its bytes run along the first axis."""

    shape: tuple[int, ...] = ()
    dtype: str = ""
    fortran: bool = False
    data: bytes = b""


@dataclass(frozen=True)
class _Dtype:
    name: str


@dataclass(frozen=True)
class _Global:
    name: str


# How NumPy writes an array: the first in the official files and their kin, the second in newest
# pickles; `_codecs encode` is how Python 3 writes bytes for Python 2.
ALLOWED = {
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray _reconstruct",
    "numpy._core.numeric _frombuffer",
    "numpy.core.numeric _frombuffer",
    "numpy ndarray",
    "numpy dtype",
    "_codecs encode",
}


def values(raw: bytes) -> Any:
    """What a pickle holds: dicts, lists, tuples, numbers, `bytes`, `str` and `Array`."""
    machine = _Machine()
    try:
        with warnings.catch_warnings(action="error", category=DeprecationWarning):
            for operation, argument, _ in pickletools.genops(raw):  # warns of odd escapes in names
                if operation.name == "STOP":
                    return machine.stack.pop()
                step = _STEPS.get(operation.name)
                if step is None:
                    raise Damaged(f"uses the pickle operation {operation.name}: no array needs it")
                step(machine, argument)
    except Damaged:
        raise
    except BROKEN as error:
        raise Damaged(f"is not a whole pickle ({str(error)[:80]})") from None
    raise Damaged("is a pickle without an end")


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def since_mark(self) -> list[Any]:
        start = len(self.stack) - 1
        while self.stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise IndexError("no mark on the stack")
        items = self.stack[start + 1 :]
        del self.stack[start:]
        return items

    def take(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise IndexError("too few values on the stack")
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        return items


def _named_by_stack(machine: _Machine, _: object) -> None:
    module, name = machine.take(2)
    if not (isinstance(module, str) and isinstance(name, str)):
        raise TypeError("a name that is no text")
    _named(machine, f"{module} {name}")


def _named(machine: _Machine, name: str) -> None:
    if name not in ALLOWED:
        raise Damaged(
            f"names {name.replace(' ', '.')[:80]!r}, which is neither an array nor a number:"
            " unpickled, it could run code"
        )
    machine.stack.append(_Global(name))


def _called(machine: _Machine, _: object) -> None:
    function, arguments = machine.take(2)
    name = function.name.rpartition(" ")[2] if isinstance(function, _Global) else None
    if name == "_reconstruct":
        machine.stack.append(Array())
    elif name == "_frombuffer":
        data, dtype, shape, order = arguments
        machine.stack.append(Array(shape, dtype.name, order == "F", _bytes(data)))
    elif name == "dtype":
        machine.stack.append(_Dtype(_text(arguments[0])))
    elif name == "encode" and arguments[1] in ("latin1", "latin-1"):
        machine.stack.append(_text(arguments[0]).encode("latin-1"))
    else:
        raise Damaged("calls something that makes no array")


def _built(machine: _Machine, _: object) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if isinstance(target, Array):
        _, shape, dtype, fortran, data = state
        target.shape, target.dtype, target.fortran = shape, dtype.name, bool(fortran)
        target.data = _bytes(data)
    elif not isinstance(target, _Dtype):
        raise Damaged("gives a state to something that is no array")


def _appended(machine: _Machine, _: object) -> None:
    items = machine.since_mark()
    machine.stack[-1].extend(items)


def _set(machine: _Machine, items: list[Any]) -> None:
    """Only plain keys: to hash a tuple a million deep would overflow the stack."""
    if len(items) % 2 or not all(isinstance(key, str | bytes | int) for key in items[::2]):
        raise IndexError("a key without a value, or one that is no name")
    machine.stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _bytes(value: str | bytes) -> bytes:
    """`pickletools` gives Python 2's strings as text in which a character is a byte."""
    return value if isinstance(value, bytes) else value.encode("latin-1")


_Step = Callable[[_Machine, Any], object]


def _push(make: Callable[[Any], Any]) -> _Step:
    return lambda machine, argument: machine.stack.append(make(argument))


def _replace(count: int) -> _Step:
    return lambda machine, _: machine.stack.append(machine.take(count))


def _remember(machine: _Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


_STEPS: dict[str, _Step] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, argument: None),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "INT", "LONG1"), _push(lambda n: n)),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE"), _push(lambda text: text)),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _push(bytes)),
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _push(_bytes)),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, n: m.stack.append(m.memo[n])),
    "MEMOIZE": lambda machine, _: _remember(machine, len(machine.memo)),
    "MARK": _push(lambda _: _MARK),
    "NONE": _push(lambda _: None),
    "NEWTRUE": _push(lambda _: True),
    "NEWFALSE": _push(lambda _: False),
    "EMPTY_DICT": _push(lambda _: {}),
    "EMPTY_LIST": _push(lambda _: []),
    "EMPTY_TUPLE": _push(lambda _: ()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _replace(1),
    "TUPLE2": _replace(2),
    "TUPLE3": _replace(3),
    "APPEND": lambda machine, _: machine.stack[-2].append(machine.stack.pop()),
    "APPENDS": _appended,
    "SETITEM": lambda machine, _: _set(machine, list(machine.take(2))),
    "SETITEMS": lambda machine, _: _set(machine, machine.since_mark()),
    "GLOBAL": _named,
    "STACK_GLOBAL": _named_by_stack,
    "REDUCE": _called,
    "BUILD": _built,
}
