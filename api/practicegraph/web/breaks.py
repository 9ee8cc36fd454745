"""Answers that break off: their readers see a transfer without an end, and the log has one line."""

import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import ClientDisconnect

from ..endpoint import StoreError
from ..incidents import IncidentError
from ..process import DeadlineError
from ..store import QueryRefusedError
from ..workers import TooMuchError

_REASONS = (IncidentError, DeadlineError, TooMuchError, QueryRefusedError, StoreError)
_ENDS = (EOFError, OSError, ValueError)
# What uvicorn says of each request that is no HTTP, or asks for another protocol.
_OF_CLIENTS = ("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket")


class BrokenOffError(Exception):
    """An answer that ends before its end; the text says which one and why."""


async def named(
    first: bytes, parts: AsyncGenerator[bytes, None], path: str, query: str
) -> AsyncGenerator[bytes, None]:
    """Give the first part of an answer and the others, of a query that was asked at a path.

    What breaks them off says to which path and query it happened.

    The server closes the connection of an answer that ends with an error, without the last chunk.
    """
    try:
        async with aclosing(parts):
            yield first
            async for part in parts:
                yield part
    except (*_REASONS, *_ENDS) as error:
        raise broken_off(path, query, str(error) or "its process has ended") from error


def broken_off(path: str, query: str, reason: str) -> BrokenOffError:
    """Return the error of an answer to a query that is broken off for a reason."""
    digest = hashlib.sha256(query.encode()).hexdigest()[:12]
    return BrokenOffError(f"{path}: the answer to query {digest} was broken off: {reason}")


def one_line(record: logging.LogRecord) -> bool:
    """Have the log say in one line that an answer was broken off, without a trace.

    Of clients that leave before they have sent all, or send no HTTP, it says nothing.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ClientDisconnect) or record.msg.startswith(_OF_CLIENTS):
        return False
    if isinstance(error, BrokenOffError):
        record.msg, record.args, record.exc_info = "%s", (str(error),), None
    return True
