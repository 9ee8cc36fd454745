"""What a reading process hands over arrives as it came, and its response as it was sent."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from practicegraph.editing.editor import Replica
from practicegraph.web.http.handover import HandedOver, ReaderApplication

SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "PUT",
    "scheme": "http",
    "path": "/practice/1788",
    "raw_path": b"/practice/1788",
    "root_path": "",
    "query_string": b"reason=%C3%A9",
    "headers": [(b"if-match", b'"x"'), (b"x", b"\xff")],
    "client": ("192.0.2.1", 5),
    "server": ("127.0.0.1", 80),
}
IN_STEP = cast(Replica, SimpleNamespace(is_behind=False))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the parts of the body, in parts."""
    assert scope["headers"] == SCOPE["headers"]
    assert {name: scope[name] for name in SCOPE if name not in ("client", "server")} == {
        name: SCOPE[name] for name in SCOPE if name not in ("client", "server")
    }
    assert scope["client"][0] == SCOPE["client"][0]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"\xfe")]})
    while (message := await receive())["type"] == "http.request":
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Answer nothing, as a process that ends."""


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("answered where it should have been handed over")


@contextmanager
def pair(app: ASGIApp, local: ASGIApp) -> Iterator[ReaderApplication]:
    ours, theirs = socket.socketpair()
    HandedOver(app).accept(ours)
    with theirs:
        yield ReaderApplication(local, IN_STEP, theirs)


async def answers(reader: ReaderApplication, scope: Scope, *parts: bytes) -> list[Message]:
    sent: list[Message] = []
    coming: list[Message] = [{"type": "http.request", "body": part} for part in parts]
    coming.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await reader({**scope}, receive, send)
    return sent


@pytest.mark.anyio
async def test_a_request_and_its_response_are_as_they_were_sent() -> None:
    large = bytes(range(256)) * 5000
    with pair(echo, never) as reader:
        head, *bodies = await answers(reader, SCOPE, b"one", large)
        assert (head["status"], [[*pair] for pair in head["headers"]]) == (201, [[b"a", b"\xfe"]])
        assert [body["body"] for body in bodies] == [b"one", large, b""]
        again = await answers(reader, SCOPE, b"two")
        assert again[1]["body"] == b"two"


@pytest.mark.anyio
async def test_a_connection_ends_where_the_other_process_does() -> None:
    ended: list[bool] = []
    scope = SCOPE | {"practicegraph.abort": lambda: ended.append(True)}
    with pair(silent, never) as reader:
        assert await answers(reader, scope, b"") == []
    assert ended == [True]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "is_handed_over"),
    [
        ("GET", "/practice/1788", False),
        ("HEAD", "/practices.json", False),
        ("POST", "/sparql", False),
        ("POST", "/validate", False),
        ("POST", "/status", False),
        ("POST", "/reconcile", False),
        ("PUT", "/practice/1788", True),
        ("DELETE", "/practice/1788", True),
        ("POST", "/practice", True),
        ("POST", "/practice/1788/edit", True),
        ("GET", "/practice/1788/edit", True),
        ("GET", "/practice/new", True),
        ("GET", "/prefix/practice/new/", True),
        ("OPTIONS", "/practice/1788", True),
        ("GET", "/health", True),
    ],
)
async def test_what_may_write_and_forms_are_handed_over(
    method: str, path: str, is_handed_over: bool
) -> None:
    called: list[str] = []

    async def here(_scope: Scope, _receive: Receive, _send: Send) -> None:
        called.append("here")

    async def there(_scope: Scope, _receive: Receive, send: Send) -> None:
        called.append("there")
        await send({"type": "http.response.body", "body": b""})

    with pair(there, here) as reader:
        await answers(reader, SCOPE | {"method": method, "path": path}, b"")
    assert called == ["there" if is_handed_over else "here"]
