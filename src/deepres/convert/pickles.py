"""What a pickle would do, read from its opcodes without doing it.

Only what torch.save writes needs to be understood: which globals are named, how large each storage
is said to be, whether every tensor stays inside its storage. torch's own restricted reader checks
the first; nothing in torch checks the other two before it believes them.
"""

import pickletools
import warnings
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from mmap import mmap
from typing import IO, Any, cast

from ..errors import UserError

OPCODES_AT_MOST = 2_000_000  # six times a training checkpoint of ResNet-1202
TUPLE_AT_MOST = 1_000_000  # entries once shared parts are written out: what showing it would visit
# Keys that are no text and no small number, entries counted likewise: hashing them can be made to
# take for ever, or to end the process, and no trainer has any.
ODD_KEYS_AT_MOST = 1000
ITEM_SIZES = {
    "DoubleStorage": 8,
    "LongStorage": 8,
    "FloatStorage": 4,
    "IntStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
REBUILT = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"}


@dataclass(frozen=True)
class Named:
    """A global: a class or function that the pickle names, and has not been looked up."""

    name: str


@dataclass(frozen=True)
class Storage:
    """A stretch of numbers kept outside the pickle."""

    key: str
    numbers: int


@dataclass(frozen=True)
class Made:
    """Anything that reading would build; `weight` is what hashing it might visit."""

    weight: int = 1


class Group(tuple[Any, ...]):
    """A tuple; its weight counts shared parts as often as they are met."""

    weight: int


@dataclass
class Sketch:
    """What one pickle says."""

    value: Any = None
    storages: dict[str, int] = field(default_factory=dict)  # key -> bytes


def sketch(file: IO[bytes] | mmap, allowed: Container[str], where: str) -> Sketch:
    """Follows one pickle from the file's position to its end and executes none of it."""
    reader, steps = _Reader(allowed, where), pickletools.genops(cast(IO[bytes], file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in text, which torch never writes
            for count, (opcode, argument, _) in enumerate(steps):
                if count > OPCODES_AT_MOST:
                    raise UserError(f"{where}: its pickle has more than {OPCODES_AT_MOST:,} steps.")
                reader.step(opcode, argument)
    except UserError:
        raise
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise UserError(
            f"{where} is cut short or damaged: its pickle cannot be followed ({shown(str(error))})."
        ) from None
    return reader.sketch


def shown(value: Any, letters: int = 80) -> str:
    """Somebody else's text for a sentence of ours: short, and nothing that a terminal obeys."""
    text = ascii(value)
    return (text[1:-1] if isinstance(value, str) else text)[:letters]


class _Reader:
    """A pickle machine whose objects are descriptions; a method for each opcode with an effect."""

    def __init__(self, allowed: Container[str], where: str) -> None:
        self.allowed, self.where, self.sketch = allowed, where, Sketch()
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.protocol = self.odd_keys = 0

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        if effect := getattr(self, opcode.name, None):
            effect(argument)
        elif opcode.stack_before or len(opcode.stack_after) != 1:
            raise UserError(f"{self.where}: its pickle uses {opcode.name}; torch.save never does.")
        else:  # a number, a string, None
            self.stack.append(argument)

    def pop(self, number: int) -> list[Any]:
        if number > len(self.stack):
            raise IndexError("nothing is left to take")
        items = self.stack[len(self.stack) - number :]
        del self.stack[len(self.stack) - number :]
        return items

    def since_mark(self) -> list[Any]:
        return self.pop(len(self.stack) - self.marks.pop())

    def name(self, module: str, name: str) -> None:
        """A global: refused by name before anything else is looked at."""
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        full = f"{module}.{name}"
        if full not in self.allowed:
            raise UserError(
                f"{self.where}: its pickle names {shown(full)}, which weights do not need and may"
                " run code; it was not opened: have its author save the state_dict alone."
            )
        self.stack.append(Named(full))

    def group(self, items: list[Any]) -> None:
        group = Group(items)
        group.weight = 1 + sum(getattr(item, "weight", 1) for item in items)
        if group.weight > TUPLE_AT_MOST:
            raise UserError(f"{self.where}: its pickle nests tuples that never end to be visited.")
        self.stack.append(group)

    def make(self) -> None:
        _, arguments = self.pop(2)
        self.stack.append(Made(getattr(arguments, "weight", 1)))

    def hashed(self, keys: Iterable[Any]) -> None:
        """What becomes a dictionary's keys, or a set."""
        for key in keys:
            plain = isinstance(key, str | bytes | Named) or key is None
            if not plain and not (isinstance(key, int) and abs(key) < 2**60):
                self.odd_keys += getattr(key, "weight", 1)
            if self.odd_keys > ODD_KEYS_AT_MOST:
                raise UserError(
                    f"{self.where}: its pickle has keys of a kind that takes for ever to look up."
                )

    def inside(self, storage: Storage, offset: int, size: Group, stride: Group) -> None:
        """torch would lengthen the storage, with whatever is in memory there."""
        numbers = (offset, *size, *stride)
        if any(type(number) is not int or number < 0 for number in numbers):
            raise UserError(
                f"{self.where}: a tensor's shape is not whole numbers: {shown(numbers)}."
            )
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if 0 not in size and last >= storage.numbers:
            raise UserError(
                f"{self.where}: a tensor of shape {tuple(size)} reaches beyond its"
                f" {storage.numbers:,} numbers (storage {shown(storage.key)})."
            )

    # Opcodes, under pickletools' names for them.

    def PROTO(self, version: int) -> None:
        self.protocol = version

    def STOP(self, _: None) -> None:
        if self.protocol != 2:
            raise UserError(
                f"{self.where}: pickle protocol {self.protocol}, and torch.save writes 2: save it"
                " again with torch.save(state_dict, path)."
            )
        (self.sketch.value,) = self.pop(1)

    def FRAME(self, _: int) -> None:
        pass

    def MARK(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def GLOBAL(self, names: str) -> None:
        self.name(*names.split(" ", 1))

    def INST(self, names: str) -> None:
        self.name(*names.split(" ", 1))
        raise UserError(f"{self.where}: its pickle uses INST; torch.save never does.")

    def STACK_GLOBAL(self, _: None) -> None:
        self.name(*map(str, self.pop(2)))

    def BINPERSID(self, _: None) -> None:
        """("storage", type, key, place, numbers), with a view of it in files of 2017."""
        what, kind, key, _place, numbers, *view = self.pop(1)[0]
        if what not in ("storage", b"storage") or type(numbers) is not int or numbers < 0:
            raise UserError(f"{self.where}: its pickle refers to {shown(what)}, not to a storage.")
        size = ITEM_SIZES.get(kind.name.rpartition(".")[2])
        if size is None or not isinstance(key, str | bytes):
            raise UserError(f"{self.where} holds a {shown(kind.name)}, which no network here has.")
        key = key.decode() if isinstance(key, bytes) else key
        self.sketch.storages[key] = max(self.sketch.storages.get(key, 0), numbers * size)
        if view and view[0] is not None:
            _key, start, length = view[0]
            if not 0 <= start <= start + length <= numbers:
                raise UserError(f"{self.where}: a view leaves its storage {shown(key)}.")
            numbers = length
        self.stack.append(Storage(key, numbers))

    def REDUCE(self, _: None) -> None:
        function, arguments = self.stack[-2:]
        if isinstance(function, Named) and function.name in REBUILT:
            self.inside(*arguments[:4])
        self.hashed(
            item for argument in arguments if isinstance(argument, list) for item in argument
        )
        self.make()

    def NEWOBJ(self, _: None) -> None:
        self.make()

    def BUILD(self, _: None) -> None:
        self.pop(1)

    def SETITEM(self, _: None) -> None:
        self.hashed(self.pop(2)[:1])

    def SETITEMS(self, _: None) -> None:
        self.hashed(self.since_mark()[::2])

    def APPEND(self, _: None) -> None:
        items = self.pop(1)
        self.stack[-1].extend(items)

    def APPENDS(self, _: None) -> None:
        items = self.since_mark()
        self.stack[-1].extend(items)

    def TUPLE(self, _: None) -> None:
        self.group(self.since_mark())

    def TUPLE1(self, _: None) -> None:
        self.group(self.pop(1))

    def TUPLE2(self, _: None) -> None:
        self.group(self.pop(2))

    def TUPLE3(self, _: None) -> None:
        self.group(self.pop(3))

    def EMPTY_TUPLE(self, _: None) -> None:
        self.group([])

    def EMPTY_LIST(self, _: None) -> None:
        self.stack.append([])

    def EMPTY_DICT(self, _: None) -> None:
        self.stack.append(Made())

    EMPTY_SET = EMPTY_DICT

    def NEWTRUE(self, _: None) -> None:
        self.stack.append(True)

    def NEWFALSE(self, _: None) -> None:
        self.stack.append(False)

    def BINPUT(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    LONG_BINPUT = BINPUT

    def MEMOIZE(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def BINGET(self, index: int) -> None:
        self.stack.append(self.memo[index])

    LONG_BINGET = BINGET
