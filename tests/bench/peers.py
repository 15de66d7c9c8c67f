"""What our delivery is measured against: Postfix's smtp-source, a bare loop over smtplib, and django-post_office."""

import json
import resource
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, process_time
from typing import IO, Any

from deployments.local.home import REPOSITORY
from tests.bench.measuring import Sample
from tests.bench.sinks import program

SENDER, RECIPIENT = "fees@example.org", "ek@example.com"
REQUIREMENTS = Path(__file__).parent / "post_office" / "requirements.txt"


def smtp_source(port: int, count: int, size: int, sessions: int) -> Sample:
    """Let Postfix's load generator send so many messages of this size over so many connections."""
    source = program("smtp-source") or "smtp-source"
    places = ["-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{port}"]
    before, began = _children_cpu(), monotonic()
    subprocess.run(
        [source, "-d", "-s", str(sessions), "-m", str(count), "-l", str(size), *places],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Sample(count, monotonic() - began, _children_cpu() - before)


def smtplib_loop(port: int, count: int, content: bytes, connections: int = 1) -> Sample:
    """Send the same bytes again and again, over as many connections as there are threads."""

    def send(share: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as server:
            for _ in range(share):
                server.sendmail(SENDER, [RECIPIENT], content)

    before, began = process_time(), monotonic()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, [count // connections] * connections))
    return Sample(count // connections * connections, monotonic() - began, process_time() - before)


@dataclass(frozen=True)
class PostOffice:
    """django-post_office at work on a database of its own."""

    orders: IO[str]
    answers: IO[str]

    def do(self, what: str, **values: object) -> Any:  # noqa: ANN401  what it answers
        """Give an order and wait until it is done."""
        self.orders.write(json.dumps({"do": what, **values}) + "\n")
        self.orders.flush()
        return json.loads(self.answers.readline())


@contextmanager
def post_office(socket_folder: Path, database: str, mail_port: int) -> Iterator[PostOffice]:
    """Start it; its environment is made where it is not there yet."""
    python = _environment()
    peer = Path(__file__).parent / "post_office" / "peer.py"
    with subprocess.Popen([python, peer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        office = PostOffice(process.stdin, process.stdout)
        place = {"HOST": str(socket_folder), "NAME": database, "USER": "postgres"}
        office.do("set_up", database=place, mail_port=mail_port)
        yield office
        process.stdin.close()


def _environment() -> Path:
    home = REPOSITORY / ".local" / "bench" / "post-office"
    python, done = home / "bin" / "python", home / "requirements.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print("Installing django-post_office into .local/bench", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


def _children_cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
