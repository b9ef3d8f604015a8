"""A steady load on `deepres serve` from another process, with gathering and without it.

Both servers run beside each other and take turns; each of 32 connections sends its next picture
when it has the answer to the last. Every answer must be a 200 whose first class is the picture's:
one that is not ends the bench. `python bench/serve.py [REQUESTS [NETWORK [ENGINE]]]`: 10,000,
resnet56 and auto. What gathering can win is what a batch wins over single pictures: much where
eager computes, little where ONNX Runtime does.
"""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.models import weights
from timing import line, spread

HOW = Preprocessing(size=32, resize=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
CLASSES = tuple(f"class {n}" for n in range(10))
CONNECTIONS, TURNS, PICTURES = 32, 10, 100


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    name = sys.argv[2] if len(sys.argv) > 2 else "resnet56"
    engine = sys.argv[3] if len(sys.argv) > 3 else "auto"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.safetensors")
        network = deepres.create(name, seed=0)
        weights.save(
            file,
            network,
            Card(network=name, arch=network.arch, preprocessing=HOW, classes=CLASSES),
            None,
        )
        sent = [picture(n) for n in range(PICTURES)]
        expected = [guesses[0][0] for guesses in deepres.load(file).predict(sent)]
        ways = {"gathering": ("--batch", "64"), "one at a time": ("--batch", "1")}
        servers = {way: started(file, "--engine", engine, *words) for way, words in ways.items()}
        try:
            compare(
                f"{name}, {engine}",
                servers,
                [*zip(map(request, sent), expected, strict=True)],
                requests,
            )
        finally:
            for process, _ in servers.values():
                process.send_signal(signal.SIGTERM)
                process.communicate()


def compare(name: str, servers: dict, asked: list, requests: int) -> None:
    times = {way: [] for way in servers}
    rates = {way: [] for way in servers}
    memory = {way: [] for way in servers}
    worked = {way: [] for way in servers}
    for turn in range(TURNS + 1):  # the first warms up
        for way, (process, port) in servers.items():
            began, before = time.perf_counter(), processor(process.pid)
            taken = asyncio.run(load(port, asked, requests // TURNS))
            if turn:
                rates[way].append(len(taken) / (time.perf_counter() - began))
                worked[way].append(1e3 * (processor(process.pid) - before) / len(taken))
                times[way] += taken
                memory[way].append(resident(process.pid))
    first, second = (rates[way] for way in servers)
    line(
        f"serve, {name}, {CONNECTIONS} connections",
        requests={way: len(taken) for way, taken in times.items()},
        failures=0,
        requests_per_second={way: spread(taken) for way, taken in rates.items()},
        milliseconds={way: percentiles(taken) for way, taken in times.items()},
        gain=spread([one / other for one, other in zip(first, second, strict=True)]),
        processor_milliseconds={way: spread(each) for way, each in worked.items()},
        resident_megabytes=memory,  # after each turn
        engines={way: engine_of(port) for way, (_, port) in servers.items()},
        load=os.getloadavg()[0],
    )


def engine_of(port: int) -> str:
    """How a server computes, as it says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        return json.load(answer)["networks"][0]["engine"]


def started(file: Path, *words: str) -> tuple[subprocess.Popen, int]:
    """A server and its port, once it answers."""
    command = [sys.executable, "-m", "deepres", "serve", str(file), "--port", "0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = ""
    for heard in process.stderr:
        said += heard
        if found := re.search(r"http://[\d.]+:(\d+)", heard):
            return process, int(found[1])
    raise RuntimeError(f"{command} did not start:\n{said}")


def picture(seed: int) -> bytes:
    """A small JPEG, as cameras and browsers send them."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def request(content: bytes) -> bytes:
    head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def load(port: int, asked: list, requests: int) -> list[float]:
    """Seconds of each request; 32 are under way at any time."""
    numbers, taken = iter(range(requests)), []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            content, expected = asked[number % len(asked)]
            began = time.perf_counter()
            writer.write(content)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])
            answer = json.loads(await reader.readexactly(length))
            taken.append(time.perf_counter() - began)
            if b" 200 " not in head[:20] or best(answer) != expected:
                raise RuntimeError(f"request {number}: {head[:40]!r} {answer}")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return taken


def best(answer: dict) -> str:
    return answer["predictions"][0]["classes"][0]["name"]


def percentiles(taken: list[float]) -> dict[str, float]:
    middle, late = np.percentile(taken, [50, 99])
    return {"p50": round(1e3 * middle, 1), "p99": round(1e3 * late, 1)}


def processor(pid: int) -> float:
    """Seconds of the processor that a process has taken; 0 where the system does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    fields = stat.read_text().rpartition(")")[2].split() if stat.exists() else ["0"] * 13
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Megabytes of a process's memory; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    main()
