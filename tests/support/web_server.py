"""A web server for tests that need somebody at the other end of HTTP, who answers as a test says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def web_server(
    answer: Callable[[str, bytes], tuple[int, str]],
    host: str = "127.0.0.1",
    *,
    lets_in: Callable[[str, str | None], bool] = lambda _path, _authorization: True,
) -> Iterator[str]:
    """Serve GET and POST on a free port, and give host and port; `answer` returns status and page for path and body.

    Whom `lets_in` refuses, by path and Authorization, gets 401.
    """

    class Answering(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, page = answer(self.path, self.rfile.read(int(self.headers["Content-Length"] or 0)))
            if not lets_in(self.path, self.headers["Authorization"]):
                status, page = 401, "{}"
            self.send_response(status)
            self.send_header("Content-Length", str(len(page.encode())))
            self.end_headers()
            self.wfile.write(page.encode())

        do_GET = do_POST = answer  # noqa: N815  the library's names

        def log_message(self, *_: object) -> None:
            """Leave the tests' output alone."""

    with ThreadingHTTPServer((host, 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
