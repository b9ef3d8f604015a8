"""The routes of the server."""

from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from .. import __version__
from .answering import Answering
from .documents import FAULTS, PICTURES, Alive, Inside, Predictions, Ready
from .fault import Fault, answer
from .files import page
from .headers import Guarded
from .limits import Limits
from .served import Served

MEANINGS = {
    404: "There is nothing here: POST /predict takes pictures, and /openapi.json tells the rest.",
    405: "This address takes another method: /openapi.json tells which.",
}
Name = Annotated[str | None, Query(description="Which network; the first where none is named.")]
Top = Annotated[int, Query(ge=1, le=1000, description="How many classes to name.")]


def application(networks: dict[str, Served], limits: Limits) -> ASGIApp:
    """The server of these networks. (FastAPI's pages of documents need a CDN: left out.)"""
    answering = Answering(networks, limits)
    app = FastAPI(
        title="deepres",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=answering.working,
    )
    _faults(app)
    _health(app, networks)

    @app.post("/predict", response_model=Predictions, responses=FAULTS, openapi_extra=PICTURES)
    async def predict(request: Request, network: Name = None, top: Top = 5) -> JSONResponse:
        """The classes of each picture with their probabilities, best first, in the order sent."""
        return JSONResponse(await answering.predicted(request, network, top))

    @app.post("/look", response_model=Inside, responses=FAULTS, openapi_extra=PICTURES)
    async def look(request: Request, network: Name = None, top: Top = 5) -> JSONResponse:
        """Of one picture: where the evidence for each class lies, and what each block adds."""
        return JSONResponse(await answering.looked(request, network, top))

    _page(app)
    return Guarded(app)


def _page(app: FastAPI) -> None:
    for address, file in page().items():
        response = Response(file.content, media_type=file.kind)
        app.add_route(address, partial(_same, response), include_in_schema=False)


async def _same(response: Response, request: Request) -> Response:
    return response


def _health(app: FastAPI, networks: dict[str, Served]) -> None:
    told = [
        {
            "name": network.name,
            "network": network.card.network,
            "size": network.card.preprocessing.size,
            "classes": network.classes,
            "engine": network.about,
            "inside": network.inside is not None,
        }
        for network in networks.values()
    ]

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", response_model=Alive)
    async def alive() -> JSONResponse:
        """That the process answers."""
        return JSONResponse({"status": "alive"})

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", response_model=Ready)
    async def ready() -> JSONResponse:
        """The networks that are loaded."""
        return JSONResponse({"status": "ready", "networks": told})


def _faults(app: FastAPI) -> None:
    @app.exception_handler(Fault)
    async def fault(request: Request, error: Fault) -> JSONResponse:
        return answer(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        said = MEANINGS.get(error.status_code, "The request cannot be answered.")
        return answer(Fault(error.status_code, said, error.headers))

    @app.exception_handler(RequestValidationError)
    async def parameter(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        said = f"The parameter {first['loc'][-1]} is at fault: {first['msg']}."
        return answer(Fault(422, said))
