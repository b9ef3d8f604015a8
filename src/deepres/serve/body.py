"""A request's body as pictures' bytes: whole, of a known type, and no larger than allowed."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from .fault import Fault
from .limits import Limits
from .room import Place

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

TYPES = "send a picture as image/* or application/octet-stream, or files as multipart/form-data"
UNTOLD = ("", "application/octet-stream", "application/x-www-form-urlencoded")  # curl's own
HEADERS_AT_MOST = 8192  # bytes of one part's headers


async def pictures(request: Request, limits: Limits, place: Place) -> list[bytes]:
    """The encoded pictures of a request, in the order sent."""
    kind = content_type(request.headers)
    _announced(request.headers, limits)
    try:
        async with asyncio.timeout(limits.seconds):
            body = await _whole(request.stream(), limits, place)
    except TimeoutError:
        late = f"The request did not arrive within {limits.seconds:g} seconds: send it faster."
        raise Fault(408, late, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise Fault(400, "The connection ended before the request did.") from None
    if not body:
        raise Fault(400, f"The request is empty: {TYPES}.")
    if kind != "multipart/form-data":
        return [body]
    return parts(request.headers["content-type"], body, limits)


def content_type(headers: Headers) -> str:
    """What the body is said to be; refused where that is no picture."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Fault(415, "The body is compressed: send pictures as they are.")
    if kind.startswith("image/") or kind == "multipart/form-data" or kind in UNTOLD:
        return kind
    raise Fault(415, f"This content type is not a picture's: {TYPES}.")


def _announced(headers: Headers, limits: Limits) -> None:
    """Refuses what says of itself that it is too large, before it is read."""
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > limits.bytes:
        raise _too_large(limits)


def _too_large(limits: Limits) -> Fault:
    said = f"The request has more than {limits.bytes:,} bytes: shrink the pictures, or send fewer."
    return Fault(413, said, {"Connection": "close"})


async def _whole(stream: AsyncIterator[bytes], limits: Limits, place: Place) -> bytes:
    chunks, total = [], 0
    async for chunk in stream:
        total += len(chunk)
        if total > limits.bytes:
            raise _too_large(limits)
        place.grow(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def parts(kind: str, body: bytes, limits: Limits) -> list[bytes]:
    """The files of a form; other fields are left aside."""
    boundary = parse_options_header(kind)[1].get(b"boundary")
    if not boundary:
        raise Fault(400, "The multipart/form-data has no boundary in its content type.")
    form = Form(limits)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Fault(400, "The multipart/form-data is malformed.") from None
    if not form.ended:
        raise Fault(400, "The multipart/form-data is cut short: its last boundary is missing.")
    if not form.files:
        raise Fault(400, f"The multipart/form-data holds no file: {TYPES}.")
    return [bytes(file) for file in form.files]


class Form:
    """What a parser found so far. (Starlette's own takes a form that is cut short for a whole one,
    and writes larger files to the disk.)"""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.files, self.ended = limits, list[bytearray](), False
        self.field, self.value, self.is_file = bytearray(), bytearray(), False

    def callbacks(self) -> "MultipartCallbacks":
        """By the names that the parser calls them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header(self.field, data[start:end]),
            "on_header_value": lambda data, start, end: self._header(self.value, data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self.is_file = False

    def _header(self, part: bytearray, data: bytes) -> None:
        if len(part) + len(data) > HEADERS_AT_MOST:
            raise Fault(400, f"A part's header has more than {HEADERS_AT_MOST} bytes.")
        part += data

    def _header_end(self) -> None:
        if self.field.lower() == b"content-disposition":
            self.is_file = b"filename" in parse_options_header(bytes(self.value))[1]
            if self.is_file:
                self._another()
        self.field.clear()
        self.value.clear()

    def _another(self) -> None:
        if len(self.files) >= self.limits.images:
            most = f"{self.limits.images} pictures"
            raise Fault(413, f"The request holds more than {most}: send the others in another one.")
        self.files.append(bytearray())

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.is_file:
            self.files[-1] += data[start:end]

    def _end(self) -> None:
        self.ended = True
