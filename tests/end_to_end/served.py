"""A server as a process of its own, and requests to it by the standard library alone."""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.models import weights

HOW = Preprocessing(size=32, resize=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def saved(folder, name="resnet8", seed=1):
    """The file of an untrained network that says something."""
    network = deepres.create(name, seed=seed)
    card = Card(network=name, arch=network.arch, preprocessing=HOW, classes=CLASSES)
    file = folder / f"{name}.safetensors"
    weights.save(file, network, card, None)
    return file


def picture(seed=0, form="PNG", size=(40, 50)):
    """A file of noise around a colour."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 56, (*size, 3), dtype=np.uint8)
    pixels += random.integers(0, 200, 3, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def form(files, end=b"--cut--\r\n", kind=b"application/octet-stream"):
    """A multipart body of files, and its content type."""
    parts = [
        b'--cut\r\nContent-Disposition: form-data; name="files"; filename="%d"\r\n'
        b"Content-Type: %s\r\n\r\n%s\r\n" % (n, kind, content)
        for n, content in enumerate(files)
    ]
    return b"".join(parts) + end, "multipart/form-data; boundary=cut"


class Server:
    """Where it is, and its process."""

    def __init__(self, process, host, port):
        self.process, self.host, self.port = process, host, port
        self.address = f"http://{host}:{port}"

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=20)

    def ask(self, method, path, body=None, kind=None):
        """Status, headers, and the object or bytes that came."""
        connection = self.connection()
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        is_json = answer.headers.get("content-type", "") == "application/json"
        return answer.status, answer.headers, json.loads(content) if is_json else content


@contextmanager
def serving(*words, cache):
    """`deepres serve` on a free port, stopped in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deepres", "serve", *map(str, words), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DEEPRES_CACHE": str(cache)},
    )
    try:
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"http://([\d.]+):(\d+)", line):
                break
        else:
            raise AssertionError(said)
        yield Server(process, found[1], int(found[2]))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
