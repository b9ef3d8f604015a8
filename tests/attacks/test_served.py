"""What clients send to hurt: each ends in a 4xx of one sentence, and the next answer is right."""

import asyncio
import io
import json
import random
import struct
import threading
import zlib
from contextlib import asynccontextmanager

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("fastapi")

from deepres.card import Card, Preprocessing
from deepres.serve.application import application
from deepres.serve.limits import Limits
from deepres.serve.served import Served

HOW = Preprocessing(size=8, resize=8, mean=(0, 0, 0), std=(1, 1, 1))
CARD = Card(network="tiny", arch=None, preprocessing=HOW, classes=("dark", "bright"))
SMALL = Limits(bytes=300_000, pixels=40_000, images=3, requests=4, held=900_000, seconds=1, batch=4)
PATIENT = Limits(**{**vars(SMALL), "seconds": 60})


def brightness(pixels):
    """A network of one look: bright pictures are bright."""
    light = pixels.float().mean(dim=(1, 2, 3)) - 127
    return torch.stack([-light, light], 1)


@asynccontextmanager
async def living(logits=brightness, limits=SMALL, names=("tiny",)):
    """The application between its start and its end."""
    app = application({name: Served(name, CARD, logits, "", None) for name in names}, limits)
    told, said = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    yield app
    await told.put({"type": "lifespan.shutdown"})
    await life


async def post(
    app, body, kind="image/png", query="", more=(), method="POST", path="/predict", sent=None
):
    """Status, headers and what was answered; chunks that stop are a connection that was cut."""
    chunks = list(body) if isinstance(body, list) else [body]
    headers = [(b"content-type", kind.encode("latin-1"))] if kind else []
    sent = [] if sent is None else sent

    async def receive():
        if not chunks:
            return {"type": "http.disconnect"}
        chunk = chunks.pop(0)
        last = not chunks and not isinstance(body, list)
        return {"type": "http.request", "body": chunk, "more_body": not last}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers + list(more),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
        "root_path": "",
    }
    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(content)


def image(light, form="PNG", size=(20, 30)):
    file = io.BytesIO()
    Image.fromarray(np.full((*size, 3), light, np.uint8)).save(file, form)
    return file.getvalue()


def form(files, end=b"--cut--\r\n", head=b'name="f"; filename="x"'):
    part = b"--cut\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
    return b"".join(part % (head, file) for file in files) + end


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width, height):
    """A PNG whose header promises more than its few bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


async def right(app):
    status, _, answer = await post(app, image(250))
    return status == 200 and answer["predictions"][0]["classes"][0]["name"] == "bright"


FORM = "multipart/form-data; boundary=cut"
ATTACKS = {
    "nothing": (400, b"", "image/png", ""),
    "text": (415, b"hello", "text/plain", ""),
    "json": (415, b"{}", "application/json", ""),
    "a form's fields": (422, b"name=value", "application/x-www-form-urlencoded", ""),
    "no picture": (422, b"hello", "image/png", ""),
    "markup": (422, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", ""),
    "postscript": (422, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image/eps", ""),
    "a bomb": (422, bomb(30_000, 30_000), "image/png", ""),
    "more pixels than allowed": (422, image(0, size=(201, 200)), "image/png", ""),
    "a JPEG of more than allowed": (422, image(0, "JPEG", (201, 200)), "image/jpeg", ""),
    "more bytes than allowed": (413, bytes(300_001), "image/png", ""),
    "cut": (422, image(0, "JPEG", (90, 90))[:-200], "image/jpeg", ""),
    "no boundary": (400, form([image(0)]), "multipart/form-data", ""),
    "another boundary": (400, form([image(0)]), "multipart/form-data; boundary=other", ""),
    "a form that is cut": (400, form([image(0)], end=b""), FORM, ""),
    "a form of nothing": (400, b"--cut--\r\n", FORM, ""),
    "a form without files": (400, form([image(0)], head=b'name="f"'), FORM, ""),
    "an empty file": (422, form([b""]), FORM, ""),
    "too many files": (413, form([image(0)] * 4), FORM, ""),
    "a second file that is bad": (422, form([image(0), b"no"]), FORM, ""),
    "a header without end": (400, form([b""], head=b"x" * 9000), FORM, ""),
    "no such network": (404, image(0), "image/png", "network=../../etc/passwd"),
    "no number": (422, image(0), "image/png", "top=many"),
    "no class": (422, image(0), "image/png", "top=0"),
}


def sentence(answer):
    return (
        list(answer) == ["error"] and answer["error"].endswith(".") and "\n" not in answer["error"]
    )


def test_each_is_refused_in_a_sentence_and_the_next_is_answered():
    async def attacked():
        async with living() as app:
            for name, (status, body, kind, query) in ATTACKS.items():
                came = await post(app, body, kind, query)
                assert came[0] == status, (name, came)
                assert sentence(came[2]) and "/" not in came[2]["error"].replace(
                    "image/* or application/octet-stream", ""
                ).replace("multipart/form-data", ""), (name, came)
            assert await right(app)

    asyncio.run(attacked())


def test_a_second_bad_picture_is_told_by_its_place():
    async def told():
        async with living() as app:
            return await post(app, form([image(0), b"no"]), FORM)

    assert asyncio.run(told())[2]["error"].startswith("Picture 2 is not a picture")


def test_lengths_that_lie_bodies_without_length_and_cut_connections():
    async def sent():
        async with living() as app:
            long = [(b"content-length", b"300001")]
            assert (await post(app, b"", more=long))[0] == 413  # before a byte of it is read
            endless = [bytes(100_000)] * 5
            assert (await post(app, endless))[0] == 413
            cut = await post(app, [image(0)[:30]])
            assert cut[0] == 400 and "ended before" in cut[2]["error"]
            packed = [(b"content-encoding", b"gzip")]
            assert (await post(app, image(0), more=packed))[0] == 415
            assert (await post(app, b"", method="PUT"))[0] == 405
            for path in ("/../etc/passwd", "/page/../look.py", "/page/%2e%2e/look.py", "/page/"):
                assert (await post(app, b"", path=path, method="GET"))[0] == 404
            closed = await post(app, image(0), path="/look")
            assert closed[0] == 404 and "cannot be looked into" in closed[2]["error"]
            assert await right(app)

    asyncio.run(sent())


def test_damaged_pictures_never_make_an_error_of_ours():
    chance, whole = random.Random(0), [image(9, kind) for kind in ("PNG", "JPEG", "GIF", "TIFF")]

    def damaged():
        content = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 12)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        return bytes(content[: chance.randint(1, len(content))])

    async def fuzzed():
        async with living(limits=PATIENT) as app:  # other work on the machine is no damage
            statuses = [(await post(app, damaged()))[0] for _ in range(1000)]
            assert set(statuses) == {200, 422}
            assert await right(app)

    asyncio.run(fuzzed())


def test_more_than_fits_is_told_to_come_back_and_memory_is_given_back():
    gate, seen = threading.Event(), []

    def slow(pixels):
        seen.append(len(pixels))
        gate.wait(10)
        return brightness(pixels)

    async def crowded():
        async with living(slow, Limits(**{**vars(SMALL), "seconds": 5})) as app:
            first = [asyncio.create_task(post(app, image(250)))]
            while not seen:
                await asyncio.sleep(0.01)
            first += [asyncio.create_task(post(app, image(250))) for _ in range(3)]
            await asyncio.sleep(0.3)
            status, headers, answer = await post(app, image(250))
            assert status == 429 and headers[b"retry-after"] == b"1" and sentence(answer)
            gate.set()
            assert [(await task)[0] for task in first] == [200] * 4
            assert await right(app)

    asyncio.run(crowded())
    assert seen[:2] == [1, 3]  # those that came meanwhile went together


def test_many_bytes_together_are_refused_and_what_waits_too_long_is_let_go():
    gate = threading.Event()

    def slow(pixels):
        gate.wait(10)
        return brightness(pixels)

    async def waited():
        async with living(slow) as app:
            held = Limits(**{**vars(SMALL), "held": 5000})
            async with living(limits=held) as narrow:
                assert (await post(narrow, bytes(5001)))[0] == 429
                for _ in range(100):  # each gives its bytes back
                    assert await right(narrow)
            status, headers, _ = await post(app, image(250))
            assert status == 429 and b"retry-after" in headers
            gate.set()
            assert await right(app)

    asyncio.run(waited())


def test_a_network_that_fails_fails_its_own_requests_and_says_nothing_of_itself():
    def fragile(pixels):
        if pixels.float().mean() < 1:
            raise RuntimeError("/secret/place")
        return brightness(pixels)

    async def failed():
        async with living(fragile) as app:
            answers = []
            with pytest.raises(RuntimeError):  # it goes to the log
                await post(app, image(0), sent=answers)
            assert answers[0]["status"] == 500 and b"secret" not in answers[1]["body"]
            assert await right(app)

    asyncio.run(failed())


def test_answers_of_requests_that_were_gathered_are_not_mixed_up():
    lights = [0, 255, 0, 255, 255, 0, 0, 255, 255, 0, 255, 0]

    async def mixed():
        async with living(limits=Limits(**{**vars(SMALL), "requests": 50})) as app:
            asked = [post(app, form([image(v), image(255 - v)]), FORM) for v in lights]
            return [answer["predictions"] for _, _, answer in await asyncio.gather(*asked)]

    best = [[p["classes"][0]["name"] for p in each] for each in asyncio.run(mixed())]
    assert best == [["bright", "dark"] if v else ["dark", "bright"] for v in lights]


def test_a_probe_that_asks_for_the_head_alone_is_answered_as_one_that_asks_for_all():
    """Load balancers do; HTTP has it for all that can be read."""

    async def probe():
        async with living() as app:
            return [
                await post(app, [], kind="", method=method, path=path)
                for path in ("/healthz", "/readyz")
                for method in ("GET", "HEAD")
            ]

    assert [answer[0] for answer in asyncio.run(probe())] == [200] * 4
