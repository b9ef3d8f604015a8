"""What is wrong with a request: a status of 400 to 499 and one sentence."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

RETRY = {"Retry-After": "1"}


class Fault(Exception):
    """The client can do better, and is told how."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers


def busy(sentence: str) -> Fault:
    """Nothing is wrong with the request but its moment."""
    return Fault(429, sentence, RETRY)


def answer(fault: Fault) -> JSONResponse:
    """How it is told."""
    headers = dict(fault.headers or {})
    return JSONResponse({"error": fault.sentence}, fault.status, headers)
