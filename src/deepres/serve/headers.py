"""Headers of every answer: a browser loads nothing but this server's own files."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .fault import Fault, answer
from .limits import HEAD_AT_MOST

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


ENCODED = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


LONG = answer(
    Fault(
        431,
        f"The address and headers have more than {HEAD_AT_MOST:,} bytes: send fewer.",
        {"Connection": "close"},
    )
)


class Guarded:
    """An application whose answers all have them, and that is asked nothing at greater length."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *ENCODED]
            await send(message)

        app = LONG if scope["type"] == "http" and _head(scope) > HEAD_AT_MOST else self.app
        await app(scope, receive, guarded)


def _head(scope: Scope) -> int:
    """Bytes: h11's own limit is for what comes in several pieces."""
    lines = sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    return lines + len(scope["raw_path"]) + len(scope["query_string"])
