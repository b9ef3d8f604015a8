"""A web server on this machine that serves one file in every way that goes wrong."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAY = {
    "good": "serves the file, and ranges of it",
    "norange": "serves the file whole, whatever is asked",
    "breaks": "breaks off after a third of what is asked",
    "breaks-norange": "the same, always from the start",
    "wrong": "serves other bytes of the right length",
    "wrong-range": "answers a range with another range",
    "longer-total": "a range of a file of another length",
    "html": "a page that says sorry, status 200",
    "endless": "says no length and never ends",
    "missing": "404",
    "busy": "503 twice, then the file",
    "silent": "a few bytes, then nothing",
    "trickle": "a byte now and then",
    "redirect": "sends to the good one",
}


@contextmanager
def serving(content: bytes):
    """Yields (address of a way, list of (way, Range) that were asked)."""
    asked: list[tuple[str, str | None]] = []
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            way = self.path.split("/")[1]
            asked.append((way, self.headers.get("Range")))
            try:
                self.answer(way)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def answer(self, way):
            start = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-"))
            if way in ("norange", "breaks-norange", "wrong", "html", "endless"):
                start = 0
            if way == "missing":
                return self.send_error(404)
            if way == "busy" and len(asked) <= 2:
                return self.send_error(503)
            if way == "redirect":
                self.send_response(302)
                self.send_header("Location", "/good/file")
                self.end_headers()
                return None
            body = {
                "wrong": bytes(len(content)),
                "html": b"<html>Sorry!</html>",
            }.get(way, content[start:])
            if start:
                shown = start - 1 if way == "wrong-range" else start
                total = len(content) + (5 if way == "longer-total" else 0)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {shown}-{total - 1}/{total}")
            else:
                self.send_response(200)
            if way != "endless":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.send(way, body)
            return None

        def send(self, way, body):
            if way == "endless":
                while not closing.is_set():
                    self.wfile.write(body)
            elif way.startswith("breaks"):
                self.wfile.write(body[: max(1, len(body) // 3)])
                self.wfile.flush()
                self.connection.close()
            elif way == "silent":
                self.wfile.write(body[:10])
                self.wfile.flush()
                closing.wait(20)
            elif way == "trickle":
                for n in range(len(body)):
                    if closing.is_set():
                        return
                    self.wfile.write(body[n : n + 1])
                    self.wfile.flush()
                    time.sleep(0.01)
            else:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield lambda way: f"http://127.0.0.1:{server.server_port}/{way}/file", asked
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
