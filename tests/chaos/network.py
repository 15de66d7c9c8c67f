"""Machines of their own, as far as the network goes: Linux's network namespaces, joined by a bridge. Needs root."""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

NETWORK = "10.213.77"
HOST = f"{NETWORK}.1"
NAMESPACES = Path("/run/netns")
LINKS = Path("/sys/class/net")
CLONE_NEWNET = 0x40000000


def lacking() -> str:
    """Say why there can be no namespaces here; nothing where there can."""
    if os.geteuid() != 0:
        return "not root: the workers are not in network namespaces of their own"
    if shutil.which("ip") is None:
        return "no iproute2: the workers are not in network namespaces of their own"
    name = f"tfprobe{os.getpid()}"
    tried = [ip("netns", "add", name), ip("link", "add", name, "type", "bridge")]
    ip("link", "delete", name)
    ip("netns", "delete", name)
    return "" if all(tried) else "this machine allows no network namespaces: the workers are not in any of their own"


def ip(*arguments: str) -> bool:
    """Run iproute2's program, and say whether it did what it was told."""
    command = ["ip", *arguments]  # found on the PATH: its place differs
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def remove_abandoned() -> None:
    """Remove what a killed run has left: its bridge has our address."""
    for folder, remove in ((NAMESPACES, ("netns", "delete")), (LINKS, ("link", "delete"))):
        for place in folder.glob("tf*"):
            owner = re.fullmatch(r"tf(?:probe)?(\d+)(?:m\d+h?)?", place.name)
            if owner and not psutil.pid_exists(int(owner[1])):
                ip(*remove, place.name)


@contextmanager
def machines(number: int) -> Iterator[Sequence[str]]:
    """Make so many namespaces that reach this one at HOST, and remove them at the end."""
    remove_abandoned()
    own = f"tf{os.getpid()}"
    names = [f"{own}m{place}" for place in range(number)]
    with ExitStack() as parts:
        assert ip("link", "add", own, "type", "bridge")
        parts.callback(ip, "link", "delete", own)
        assert ip("address", "add", f"{HOST}/24", "dev", own)
        assert ip("link", "set", own, "up")
        for place, name in enumerate(names):
            assert ip("netns", "add", name)
            parts.callback(ip, "netns", "delete", name)
            assert ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            assert ip("link", "set", f"{name}h", "master", own, "up")
            assert ip("-n", name, "address", "add", f"{NETWORK}.{place + 2}/24", "dev", "eth0")
            assert ip("-n", name, "link", "set", "eth0", "up")
            assert ip("-n", name, "link", "set", "lo", "up")
        yield names


def enter(name: str) -> None:
    """Let this thread, and what it starts, be in a namespace."""
    place = NAMESPACES / name
    with place.open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {place}")


@contextmanager
def reached(port: int, name: str) -> Iterator[None]:
    """Let a server on this machine's loopback be reached at the same port of a namespace's own loopback.

    What is not asked over the network in the field, or by other means, such as the stand-in for Stripe.
    """
    listening = _listen(port, name)

    relays: list[threading.Thread] = []

    def serve() -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listening.accept()
                relays.append(threading.Thread(target=_relay, args=(client, port)))
                relays[-1].start()

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    for one in (thread, *relays):
        one.join()


def _relay(client: socket.socket, port: int) -> None:
    """Pass on what two sockets have to say, until both are silent."""
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        back = threading.Thread(target=_pass_on, args=(server, client))
        back.start()
        _pass_on(client, server)
        back.join()


def _listen(port: int, name: str) -> socket.socket:
    """Open a socket in a namespace: it stays there, though its thread does not."""
    opened: list[socket.socket] = []

    def listen() -> None:
        enter(name)
        opened.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=listen)  # a namespace is a thread's own, so ours is not left
    thread.start()
    thread.join()
    return opened[0]


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while more := source.recv(65536):
            target.sendall(more)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
