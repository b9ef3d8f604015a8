"""The server as a process: a port that is free, senders that are too slow, a stop that answers."""

import asyncio
import logging
import socket
from collections.abc import Callable

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import UserError
from .fault import Fault, answer
from .headers import ENCODED
from .limits import HEAD_AT_MOST

NO_HTTP = answer(Fault(400, "This is no request of HTTP/1.1.", {"Connection": "close"}))


def listening(host: str, port: int) -> socket.socket:
    """A socket of this address; port 0 is any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UserError(
            f"--host {host} --port {port} cannot be listened on ({error.strerror or error}):"
            " --port 0 takes any that is free."
        ) from None
    except OverflowError:
        raise UserError(f"--port {port}: a port is a number of 0 to 65535.") from None


def address(sock: socket.socket) -> str:
    """What a browser is given."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, sock: socket.socket, seconds: float, started: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; what was accepted before is answered first.

    What a client did wrong is told to the client: a log of it could be filled by anybody.
    """
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        http=patient(seconds),
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=round(2 * seconds) + 1,
        h11_max_incomplete_event_size=HEAD_AT_MOST,
    )
    Told(config, started).run([sock])


class Told(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self.tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """A second Ctrl-C drops what is under way: then that is no error, with its traceback."""
        await super().shutdown(sockets)
        if self.force_exit:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            await self.lifespan.shutdown()


def patient(seconds: float) -> type[asyncio.Protocol]:
    """HTTP/1.1 whose headers must arrive in time: uvicorn would wait for them for ever."""

    class Patient(H11Protocol):
        late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def send_400_response(self, msg: str) -> None:
            """In a sentence, as all that is wrong is told; where an answer began, it just ends."""
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                headers = [*NO_HTTP.raw_headers, *ENCODED]
                for event in (
                    h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                    h11.Data(data=bytes(NO_HTTP.body)),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _watch(self) -> None:
            if self.conn.their_state is not h11.IDLE:
                self._forget()
            elif self.late is None:
                self.late = self.loop.call_later(seconds, self.transport.close)

        def _forget(self) -> None:
            if self.late is not None:
                self.late.cancel()
                self.late = None

    return Patient
