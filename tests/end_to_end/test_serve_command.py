"""`deepres serve` as a process: what it answers, what it refuses, how it stops."""

import json
import re
import signal
import socket
import threading
import time

import numpy as np
import pytest
from served import CLASSES, form, picture, saved, serving

import deepres

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    return saved(folder, "resnet8"), saved(folder, "plain8")


@pytest.fixture(scope="module")
def server(files, tmp_path_factory):
    words = (files[0], f"plain={files[1]}", "--engine", "eager", "--seconds", "1")
    with serving(*words, cache=tmp_path_factory.mktemp("cache")) as server:
        yield server


def test_raw_bytes_of_any_picture_type_are_answered_as_the_network_answers(server, files):
    network = deepres.load(files[0])
    for kind, content in (
        ("image/png", picture(1)),
        ("image/jpeg", picture(2, "JPEG")),
        ("image/webp", picture(3, "WEBP")),
        ("application/octet-stream", picture(4, "BMP")),
        ("application/x-www-form-urlencoded", picture(4, "PNG")),  # what curl says by itself
        (None, picture(5, "GIF")),
    ):
        status, _, answer = server.ask("POST", "/predict", content, kind)
        assert status == 200, answer
        (prediction,) = answer["predictions"]
        chances = [entry["probability"] for entry in prediction["classes"]]
        expected = network.predict(content)[0]
        assert [entry["name"] for entry in prediction["classes"]] == [name for name, _ in expected]
        assert np.allclose(chances, [chance for _, chance in expected], atol=1e-5)
        assert chances == sorted(chances, reverse=True)


def test_files_of_a_form_are_answered_in_the_order_sent_by_the_network_that_is_named(server, files):
    network, sent = deepres.load(files[1]), [picture(n) for n in range(7)]
    body, kind = form(sent)
    status, _, answer = server.ask("POST", "/predict?network=plain&top=3", body, kind)
    assert status == 200, answer
    chances = [each["classes"][0]["probability"] for each in answer["predictions"]]
    expected = [network.predict(content)[0][0][1] for content in sent]
    assert (
        np.allclose(chances, expected, rtol=1e-5) and len(answer["predictions"][0]["classes"]) == 3
    )
    assert min(np.diff(sorted(expected))) > 1e-4  # else the order would show nothing


def test_it_tells_that_it_lives_what_it_holds_and_how_it_is_asked(server, files):
    status, headers, answer = server.ask("GET", "/healthz")
    assert (status, answer) == (200, {"status": "alive"})
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["server"] is None
    _, _, ready = server.ask("GET", "/readyz")
    assert [network["name"] for network in ready["networks"]] == ["resnet8", "plain"]
    assert str(files[0].parent) not in json.dumps(ready)
    _, _, document = server.ask("GET", "/openapi.json")
    operation = document["paths"]["/predict"]["post"]
    assert "application/octet-stream" in operation["requestBody"]["content"]
    assert {"200", "413", "415", "422", "429"} <= operation["responses"].keys()


def test_the_page_comes_from_the_package_and_names_no_other_host(server):
    status, headers, page = server.ask("GET", "/")
    assert status == 200 and headers["content-type"].startswith("text/html")
    addresses = re.findall(r'(?:src|href|data-picture)="([^"]+)"', page.decode())
    assert addresses and all(address.startswith("/page/") for address in addresses)
    for address in addresses:
        status, _, content = server.ask("GET", address)
        assert status == 200 and content and b"://" not in content[:20_000], address
    status, _, look = server.ask("POST", "/look?network=plain", picture(), "image/png")
    assert status == 200 and [stage["name"] for stage in look["stages"]] == [
        "stage1",
        "stage2",
        "stage3",
    ]


def raw(server, *pieces, pause=0.0):
    """All that comes back for bytes that are no request of a library's."""
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause)
            return b"".join(iter(lambda: sock.recv(65536), b""))
        except ConnectionError:
            return b""


FORM = b"multipart/form-data; boundary=cut\r\nConnection: close"
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"


def test_slow_senders_huge_headers_and_what_is_no_http_are_let_go(server):
    began = time.monotonic()
    answers = []
    slow = [
        threading.Thread(target=lambda pieces=pieces: answers.append(raw(server, *pieces)))
        for pieces in (
            [HEAD + b"Content-Length: 1000\r\n\r\n", b"abc"],  # the body never comes
            [HEAD],  # the headers never end
            [b""],  # nothing ever comes
        )
    ]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join()
    assert time.monotonic() - began < 8
    assert sorted(answer[:12] for answer in answers) == [b"", b"", b"HTTP/1.1 408"]
    for pieces, status in (
        ([HEAD + b"Connection: close\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"], 431),  # in one piece
        ([HEAD + b"X: y\r\n" * 9_000 + b"\r\n"], 431),
        ([b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], 431),
        ([HEAD + b"X: ", *[b"x" * 10_000] * 20], 400),  # without end, in many
        ([b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"], 400),
        ([HEAD + b"Content-Length: -5\r\n\r\n"], 400),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"], 400),
        ([HEAD.replace(b"image/png", FORM) + b"Content-Length: 9\r\n\r\n--cut\r\n\xff\n"], 400),
    ):
        came = raw(server, *pieces, pause=0.02)
        head, _, body = came.partition(b"\r\n\r\n")
        if came or len(pieces) == 1:  # whoever still sends may find the connection closed
            assert head.startswith(b"HTTP/1.1 %d " % status), (pieces[0][:80], came)
            assert b"nosniff" in head and list(json.loads(body)) == ["error"]
        assert server.ask("POST", "/predict", picture(), "image/png")[0] == 200
    assert server.ask("POST", "/predict", picture(), "image/png")[0] == 200


def test_a_port_that_is_taken_and_a_name_given_twice_are_sentences(command, files):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, said = command("serve", files[0], "--port", port)
    assert status == 2 and "cannot be listened on" in said
    twice = command("serve", files[0], files[0], "--port", 0, "--engine", "eager")
    assert twice[0] == 2 and "Two networks are called resnet8" in twice[2]


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [[], [HEAD + b"Content-Length: 1000\r\n\r\nabc"]])
def test_a_second_ctrl_c_ends_it_without_a_traceback(files, tmp_path, pieces):
    with serving(files[0], "--engine", "eager", cache=tmp_path) as server:
        with socket.create_connection((server.host, server.port)) as sock:
            for piece in pieces:
                sock.sendall(piece)
            server.ask("GET", "/healthz")
            for _ in range(2):
                server.process.send_signal(signal.SIGINT)
                time.sleep(0.05)
            assert server.process.wait(30) == 130
        assert "Traceback" not in server.process.stderr.read()


def test_what_was_accepted_is_answered_when_it_is_told_to_stop(server):
    """The last of this file: it ends the server."""
    content, connection = picture(), server.connection()
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", "image/png")
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content[:100])
    time.sleep(0.3)  # it is read, and waited for
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.send(content[100:])
    answer = connection.getresponse()
    status, predictions = answer.status, json.loads(answer.read())["predictions"]
    connection.close()
    names = [entry["name"] for entry in predictions[0]["classes"]]
    assert status == 200 and len(names) == 5 and set(names) <= set(CLASSES)
    assert server.process.wait(20) == 143
    assert server.process.stderr.read() == "deepres: stopped.\n"  # of all these attacks, no word
