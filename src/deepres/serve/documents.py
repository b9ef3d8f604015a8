"""What OpenAPI says of requests and answers."""

from typing import Any

from pydantic import BaseModel, Field


class Class(BaseModel):
    """A class and its probability."""

    name: str
    probability: float = Field(ge=0, le=1)


class Prediction(BaseModel):
    """The classes of one picture, best first."""

    classes: list[Class]


class Predictions(BaseModel):
    """One for each picture, in the order sent."""

    predictions: list[Prediction]


class Problem(BaseModel):
    """What is wrong with a request, in one sentence."""

    error: str


class Alive(BaseModel):
    """The process answers."""

    status: str


class Network(BaseModel):
    """One network of this server."""

    name: str
    network: str  # the paper's name, or the user's
    size: int  # of the pictures that it sees, in pixels
    classes: int
    engine: str  # how it runs
    inside: bool  # whether POST /look can look into it


class Ready(BaseModel):
    """The networks that are loaded, in the order of the command."""

    status: str
    networks: list[Network]


class Evidence(BaseModel):
    """A class activation map: its mean is the class's logit above the mean logit of all."""

    name: str
    probability: float
    map: list[list[float]]


class Row(BaseModel):
    """F(x), x and their sum: base64 of signed bytes, of which 127 is `largest`."""

    channel: int | None  # None: the mean of all channels
    largest: float
    f: str
    x: str | None = None  # not there in a plain network
    sum: str


class Block(BaseModel):
    """What meets at the end of one block."""

    name: str
    height: int
    width: int
    deviation: dict[str, float]  # over all channels and places
    rows: list[Row]


class Stage(BaseModel):
    """Blocks of one size of map; of many, some."""

    name: str
    of: int
    blocks: list[Block]


class Inside(BaseModel):
    """What a network sees in one picture."""

    picture: str
    evidence: list[Evidence]
    stages: list[Stage]


FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "Empty, malformed or cut short."},
    404: {"model": Problem, "description": "No network of that name."},
    408: {"model": Problem, "description": "The request arrived too slowly."},
    413: {"model": Problem, "description": "Too many bytes or pictures."},
    415: {"model": Problem, "description": "Not a picture's content type."},
    422: {"model": Problem, "description": "Not a readable picture, or a parameter out of range."},
    429: {"model": Problem, "description": "Busy: Retry-After says when to try again."},
    431: {"model": Problem, "description": "An address or headers that are too long."},
}
_BYTES = {"type": "string", "format": "binary", "minLength": 1}
_PICTURE = {"schema": _BYTES}
_FILES = {"type": "array", "items": _BYTES, "minItems": 1}
PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": _PICTURE,
            "application/octet-stream": _PICTURE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": _FILES},
                    "required": ["files"],
                }
            },
        },
    }
}
