"""The limits of heads, bodies and connections: size, time and number."""

import json
import logging
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from practicegraph.web.http import responses
from practicegraph.web.http.connections import BoundedConnection, Bounds
from support.server import free_port

SHORT = Bounds(
    head_seconds=0.3, idle_seconds=0.3, rest_seconds=0.3, rest=1 << 20, pace=1 << 16, connections=16
)
LARGE = 1 << 25
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
app = FastAPI()


@app.get("/")
def read() -> Response:
    return Response("read")


@app.head("/")
def head() -> Response:
    return Response("read")


@app.post("/")
async def sent(request: Request) -> Response:
    content = await request.body()
    return Response(f"{len(content)} {request.headers.get('late', '')}")


@app.post("/refused")
def refused() -> Response:
    return Response("refused", 413)


@app.get("/large")
def large() -> Response:
    return Response(b"x" * LARGE)


released = threading.Event()


@app.get("/late")
def late() -> Response:
    def parts() -> Iterator[bytes]:
        released.wait(20)
        yield b"late"

    return StreamingResponse(parts())


@dataclass
class Served:
    port: int
    connections: set[Any]

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as found:
            yield found

    def answer(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Send parts, and give all that comes until the server closes."""
        with self.connection() as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)
            except OSError:  # it has closed already
                pass
            return everything(connection)


@contextmanager
def serving(bounds: Bounds) -> Iterator[Served]:
    kind = type("Bounded", (BoundedConnection,), {"bounds": bounds})
    port = free_port()
    options: dict[str, Any] = {"http": kind, "timeout_keep_alive": bounds.idle_seconds}
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="off", log_config=None, **options)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield Served(port, server.server_state.connections)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def until(done: Callable[[], object]) -> None:
    for _ in range(1000):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it has not come about")


def everything(connection: socket.socket) -> bytes:
    found = b""
    try:
        while part := connection.recv(1 << 16):
            found += part
    except ConnectionError:
        pass
    return found


def some(connection: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        part = connection.recv(1 << 16)
        assert part, found
        found += part
    return found


@pytest.fixture(scope="module")
def usual() -> Iterator[Served]:
    with serving(Bounds()) as served:
        yield served


@pytest.fixture(scope="module")
def short() -> Iterator[Served]:
    with serving(SHORT) as served:
        yield served


@pytest.mark.parametrize(
    "request_, status",
    [
        pytest.param(GET + b"".join(b"a%d: b\r\n" % n for n in range(9000)), 431, id="many fields"),
        pytest.param(GET + b"a: " + b"b" * 90_000, 431, id="a value without end"),
        pytest.param(GET + b"a" * 90_000, 431, id="a name without end"),
        pytest.param(GET + b"a: b\r\n" * 300 + b"\r\n", 431, id="300 fields"),
        pytest.param(CHUNKED + b"1\r\nx\r\n0\r\na: " + b"b" * 90_000, 431, id="a long trailer"),
        pytest.param(CHUNKED + b"0\r\n" + b"a: b\r\n" * 20_000, 431, id="many trailers"),
        pytest.param(CHUNKED + b"1;" + b"a" * 90_000, 431, id="a chunk's long extension"),
        pytest.param(b"GET /" + b"a" * 40_000, 414, id="a long target"),
        pytest.param(b"GET /" + b"a" * 200_000, 414, id="a very long target"),
        pytest.param(
            b"GET /?query=" + b"a" * 94_000 + b" HTTP/1.1\r\n\r\n", 414, id="a long query"
        ),
        pytest.param(b"GET /\x01 HTTP/1.1\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, id="a field without a colon"),
    ],
)
def test_a_head_beyond_its_limits_is_refused_with_problem_details(
    usual: Served, request_: bytes, status: int
) -> None:
    head, _, content = usual.answer(request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"access-control-allow-origin: *\r\n" in head
    problem = json.loads(content)
    assert problem["status"] == status
    assert ("POST" in problem.get("hint", "")) == (status == 414)


@pytest.mark.parametrize(
    "request_, content",
    [
        pytest.param(GET + b"a: " + b"b" * 50_000 + b"\r\n", b"read", id="a large field"),
        pytest.param(GET + b"a: b\r\n" * 200, b"read", id="200 fields"),
        pytest.param(GET.replace(b"/ ", b"/?" + b"a" * 30_000 + b" "), b"read", id="a long target"),
        pytest.param(
            POST + b"Content-Length: 1000000\r\n", b"1000000 ", id="a body longer than a head"
        ),
    ],
)
def test_a_request_within_the_limits_is_answered(
    usual: Served, request_: bytes, content: bytes
) -> None:
    body = b"x" * 1_000_000 if request_.startswith(b"POST") else b""
    answer = usual.answer(request_ + b"Connection: close\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n" + content)


def test_chunks_are_read_and_trailers_dropped(usual: Served) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in (1, 100_000, 10))
    with usual.connection() as connection:
        connection.sendall(CHUNKED + chunks + b"0\r\nLate: 1\r\n\r\n" + GET + b"\r\n")
        assert b"\r\n\r\n100011 HTTP/1.1 200 OK" in some(connection, b"read")


def test_consecutive_requests_are_answered_in_order(usual: Served) -> None:
    length = b"Content-Length: 3\r\n\r\n"
    head = GET.replace(b"GET", b"HEAD")
    with usual.connection() as connection:
        connection.sendall((GET + b"\r\n" + POST + length + b"abc" + head + b"\r\n") * 50)
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 151
    assert answer.count(b"\r\n\r\nread") == 51
    assert answer.count(b"\r\n\r\n3 ") == 50


def test_a_head_is_sent_with_its_body_but_does_not_wait_for_it(usual: Served) -> None:
    with usual.connection() as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(1 << 16).endswith(b"\r\n\r\nread")
        connection.sendall(GET.replace(b"/", b"/late", 1) + b"\r\n")
        assert connection.recv(1 << 16).endswith(b"\r\n\r\n")
        released.set()
        assert b"late" in connection.recv(1 << 16)


def test_a_client_that_expects_100_gets_it(usual: Served) -> None:
    with usual.connection() as connection:
        connection.sendall(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert some(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert some(connection, b"3 ").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "parts, status",
    [
        pytest.param([b"GET / HTTP/1.1\r\n"], 408, id="a head that stops"),
        pytest.param([b"GET /", *[b"a"] * 8], 408, id="a head byte by byte"),
        pytest.param([POST + b"Content-Length: 9\r\n\r\n", b"abc"], 408, id="a body that stops"),
        pytest.param(
            [POST + b"Content-Length: 99\r\n\r\n", *[b"a"] * 8], 408, id="a body byte by byte"
        ),
        pytest.param([], None, id="nothing"),
        pytest.param([GET + b"\r\n"], 200, id="nothing after an answer"),
    ],
)
def test_the_connection_of_a_late_client_is_closed(
    short: Served, parts: list[bytes], status: int | None
) -> None:
    answer = short.answer(*parts, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 %d " % status if status else b"")
    assert bool(answer) == bool(status)


def test_the_rest_of_a_refused_body_is_read_for_a_while(usual: Served, short: Served) -> None:
    head = POST.replace(b"/ ", b"/refused ") + b"Content-Length: 100000000\r\n\r\n"
    body = b"x" * (1 << 16)
    assert short.answer(head).endswith(b"refused")
    assert short.answer(head, *[body] * 800).count(b"refused") <= 1
    with usual.connection() as connection:
        connection.sendall(head.replace(b"100000000", b"100000") + b"x" * 100_000)
        assert some(connection, b"refused")
        connection.sendall(GET + b"\r\n")
        assert some(connection, b"read")


def test_a_response_that_is_not_read_is_broken_off(short: Served) -> None:
    with short.connection() as connection:
        connection.sendall(GET.replace(b"/ ", b"/large ") + b"\r\n")
        time.sleep(2)
        assert len(everything(connection)) < LARGE


def test_a_response_that_is_read_slowly_is_whole(short: Served) -> None:
    with short.connection() as connection:
        connection.sendall(GET.replace(b"/ ", b"/large ") + b"Connection: close\r\n\r\n")
        taken = 0
        while part := connection.recv(1 << 21):
            taken += len(part)
            time.sleep(0.05)
        assert taken > LARGE


@pytest.mark.parametrize("files, most", [(1000, 16), (20, 15)])
def test_the_connections_that_wait_the_longest_are_closed_for_new_ones(
    files: int, most: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    with serving(Bounds(connections=16)) as served:
        others = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(64)]
        with served.connection() as connection:
            connection.sendall(GET + b"\r\n")
            assert some(connection, b"read")
            assert len(served.connections) <= most
        for other in others:
            other.close()
    told = [r.message for r in caplog.records]
    assert told == [
        f"{most} connections are open, which is the most: those waiting the longest are closed."
    ]


def test_errors_of_clients_are_not_logged(short: Served, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("uvicorn.error")
    log.addFilter(responses.filter_record)
    with short.connection() as connection:
        connection.sendall(POST + b"Content-Length: 9\r\n\r\nabc")
    assert short.answer(POST + b"Content-Length: 9\r\n\r\nabc").startswith(b"HTTP/1.1 408")
    assert short.answer(b"no HTTP\r\n\r\n").startswith(b"HTTP/1.1 400")
    upgrade = GET + b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert short.answer(upgrade).endswith(b"read")
    until(lambda: not short.connections)
    log.removeFilter(responses.filter_record)
    assert not caplog.records
