"""Attacks on a server: `python -m support.attacks NAME PORT TOKEN SECONDS` carries one out.

They import nothing of the program, so that they begin at once. Loopback alone, and no longer than
they are told. They come from one address, by what they say as a proxy would.
"""

import contextlib
import http.client
import json
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from urllib.parse import quote, quote_plus

_MIB = 1 << 20
_FROM = "X-Forwarded-For: 198.51.100.1"
_HEAD = f"GET / HTTP/1.1\r\nHost: localhost\r\n{_FROM}\r\n".encode()
_ENDLESS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?c != ?i) }"
_LARGE = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }"


@dataclass(frozen=True)
class Target:
    """The server that is attacked, with a token that it knows, and until when."""

    port: int
    token: str
    ends: float

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.ends

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request and read the answer, whatever it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = dict([_FROM.split(": ")]) | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        with contextlib.closing(connection):
            connection.request(method, path, body or None, named)
            connection.getresponse().read()

    def abandon(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request and leave a moment later."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{_FROM}\r\n{lines}"
        with self.connect() as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.05)

    def stream(self, head: bytes, part: bytes, size: int) -> None:
        """Send a head, and a part again and again up to a size or until the server closes."""
        with self.connect() as connection:
            connection.sendall(head)
            for _ in range(size // len(part)):
                connection.sendall(part)
            connection.recv(_MIB)


def _repeated(
    target: Target, attack: Callable[[], None], threads: int = 4, pause: float = 0.01
) -> None:
    """Attack by several threads until the end; what the server does about it is not looked at."""

    def repeat() -> None:
        while target.goes_on:
            with contextlib.suppress(OSError, http.client.HTTPException):
                attack()
            time.sleep(pause)

    running = [threading.Thread(target=repeat, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(max(0, target.ends - time.monotonic()) + 1)


def _held(target: Target, count: int, keep: Callable[[socket.socket], None], pause: float) -> None:
    """Hold so many connections open, and do something with each of them after each pause."""
    held: list[socket.socket] = []
    while target.goes_on:
        with contextlib.suppress(OSError):
            held.extend(target.connect() for _ in range(min(count - len(held), 500)))
        still = []
        for connection in held:
            try:
                keep(connection)
                still.append(connection)
            except OSError:
                connection.close()
        held = still
        time.sleep(pause)
    for connection in held:
        connection.close()


def short_headers(target: Target) -> None:
    """Send 48 MiB of short header fields."""
    fields = b"".join(b"a%d: b\r\n" % number for number in range(5000))
    _repeated(target, lambda: target.stream(_HEAD, fields, 48 * _MIB), 2)


def endless_header(target: Target) -> None:
    """Send 48 MiB of one header field."""
    _repeated(target, lambda: target.stream(_HEAD + b"a: ", b"b" * 65_536, 48 * _MIB), 2)


def full_heads(target: Target) -> None:
    """Hold 200 connections with as large a part of a head as is taken."""

    def keep(connection: socket.socket) -> None:
        connection.sendall(b"" if connection in seen else _HEAD + b"a: b\r\n" * 200)
        connection.sendall(b"" if connection in seen else b"a: " + b"b" * 60_000)
        seen.add(connection)

    seen: set[socket.socket] = set()
    _held(target, 200, keep, 0.5)


def slow_heads(target: Target) -> None:
    """Send heads on 200 connections, a byte a second."""

    def keep(connection: socket.socket) -> None:
        connection.sendall(b"a" if connection in seen else _HEAD)
        seen.add(connection)

    seen: set[socket.socket] = set()
    _held(target, 200, keep, 1)


def idle_connections(target: Target) -> None:
    """Hold 6000 connections open, on which nothing is sent."""

    def keep(connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            closed = not connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            closed = False
        if closed:
            raise ConnectionError

    _held(target, 6000, keep, 0.2)


def _nested(depth: int) -> list[tuple[str, bytes]]:
    """Return documents of so many levels, by media type."""
    element, end = "<r:p><r:Description>", "</r:Description></r:p>"
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xml = f'<r:RDF xmlns:r="{rdf}"><r:Description>{element * depth}{end * depth}'
    turtle = "<> <urn:p> " + "[ <urn:p> " * depth + "1" + " ]" * depth + " ."
    return [
        ("text/turtle", turtle.encode()),
        ("text/turtle", b"<> <urn:p> " + b"(" * depth),
        ("text/turtle", b"<> <a:> " + b"<<(<a:> <a:> " * depth + b"1" + b")>>" * depth + b" ."),
        ("application/ld+json", b'{"urn:p":' * depth + b"1" + b"}" * depth),
        ("application/json", b"[" * depth),
        ("application/rdf+xml", f"{xml}</r:Description></r:RDF>".encode()),
    ]


def _puts(target: Target, **headers: str) -> None:
    sent = cycle(_nested(40_000))

    def put() -> None:
        media_type, body = next(sent)
        path = f"/practice/deep-{random.randrange(1000)}"
        target.ask("PUT", path, body[:_MIB], If_None_Match="*", Content_Type=media_type, **headers)

    _repeated(target, put)


def deep_put(target: Target) -> None:
    """Send entries that are nested deeply, without a token."""
    _puts(target)


def deep_put_with_token(target: Target) -> None:
    """Send entries that are nested deeply, with a token."""
    _puts(target, Authorization=f"Bearer {target.token}")


def deep_json(target: Target) -> None:
    """Send JSON that is nested deeply to all that reads JSON."""
    deep = b"[" * 200_000
    form = b"queries=" + quote(b'{"q0": ' + deep).encode()
    sent = cycle(
        [
            ("/status", deep, "application/json"),
            ("/status", b'{"iris": ' + deep, "application/json"),
            ("/reconcile", form, "application/x-www-form-urlencoded"),
            ("/validate", deep, "application/ld+json"),
            ("/validate", b'{"urn:p":' * 200_000, "application/ld+json"),
        ]
    )

    def post() -> None:
        path, body, media_type = next(sent)
        target.ask("POST", path, body, Content_Type=media_type)

    _repeated(target, post)


def abandoned_queries(target: Target) -> None:
    """Ask expensive queries and leave."""
    path = f"/sparql?query={quote(_ENDLESS)}"
    _repeated(target, lambda: target.abandon("GET", path))


def unread_answers(target: Target) -> None:
    """Ask for large answers on 40 connections, and read none of them."""
    asked = cycle([f"/sparql?query={quote(_LARGE)}", "/dump.nt", "/practices.json?size=1000"])

    def keep(connection: socket.socket) -> None:
        if connection not in seen:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(_HEAD.replace(b"/", next(asked).encode(), 1) + b"\r\n")
            seen.add(connection)

    seen: set[socket.socket] = set()
    _held(target, 40, keep, 0.5)


def abandoned_checks(target: Target) -> None:
    """Send 3 MiB to be checked, and leave, 8 times a second: 200 Mbit/s."""
    line = b"<urn:a%d> a <https://w3id.org/practicegraph/ontology#Practice> .\n"
    body = b"".join(line % number for number in range(3 * _MIB // len(line)))
    form = "text/turtle"
    post = partial(target.abandon, "POST", "/validate", body, Content_Type=form)
    _repeated(target, post, pause=0.45)


def large_names(target: Target) -> None:
    """Reconcile texts of 17 kB, 50 at once: a form just below the limit of a body."""
    words = " ".join(f"mentoring{number} children" for number in range(800))
    queries = {f"q{number}": {"query": f"{number} {words}"} for number in range(50)}
    body = b"queries=" + quote_plus(json.dumps(queries)).encode()
    assert len(body) < _MIB
    form = "application/x-www-form-urlencoded"
    _repeated(target, lambda: target.ask("POST", "/reconcile", body, Content_Type=form))


def large_suggestions(target: Target) -> None:
    """Ask for properties, types and entities that begin with 60 kB, or with 30 kB."""
    asked = cycle(
        f"/reconcile/suggest/{kind}?prefix={'mentoring+' * (size // 10)}"
        for kind in ("property", "type", "entity")
        for size in (60_000, 30_000)
    )
    _repeated(target, lambda: target.ask("GET", next(asked)))


def huge_bodies(target: Target) -> None:
    """Send 1 GiB to all that takes a body."""
    paths = {
        "/sparql": b"application/sparql-query",
        "/validate": b"text/turtle",
        "/reconcile": b"application/x-www-form-urlencoded",
        "/status": b"application/json",
        "/practice": b"text/turtle",
        "/": b"text/turtle",
    }
    lines = (
        _HEAD.replace(b"GET /", b"POST " + path.encode())
        + b"Content-Type: %b\r\nAuthorization: Bearer %b\r\n" % (kind, target.token.encode())
        + b"Content-Length: %d\r\n\r\n" % (1 << 30)
        for path, kind in paths.items()
    )
    heads = cycle(list(lines))
    _repeated(target, lambda: target.stream(next(heads), b"x" * 262_144, 1 << 30), 2)


ATTACKS: dict[str, Callable[[Target], None]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        short_headers,
        endless_header,
        full_heads,
        slow_heads,
        idle_connections,
        deep_put,
        deep_put_with_token,
        deep_json,
        abandoned_queries,
        unread_answers,
        abandoned_checks,
        large_names,
        large_suggestions,
        huge_bodies,
    )
}


if __name__ == "__main__":
    _name, _port, _token, _seconds = sys.argv[1:]
    os.nice(10)
    ATTACKS[_name](Target(int(_port), _token, time.monotonic() + float(_seconds)))
    os._exit(0)  # without waiting for threads that wait for answers
