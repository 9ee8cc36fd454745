"""How the server speaks to processes beside it, which can be killed at a deadline.

They read their standard input line by line, in JSON: first the name and password for a store
elsewhere, then requests. They write frames on their standard output: a letter, the length in four
bytes, the content. H opens an answer, D is a part of the result, Z ends it; E says in JSON why
there is none.
"""

import json
import os
import resource
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

PART = 1 << 18
SMALL = PART // 2
"""The bytes below which an answer is not sent in parts: it is gathered and goes out whole."""

_NICENESS = 5
_STACK = 1 << 27
Request = Mapping[str, Any]
INTERNAL = "InternalError"
"""What an E frame says of an error of our own, with the trace as the reason."""


def frame(output: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Write one frame; a small one waits for the next, unless it is the last of an answer."""
    output.write(kind + struct.pack(">I", len(content)) + content)
    if kind != b"H" and (kind != b"D" or len(content) >= SMALL):
        output.flush()


def written(output: BinaryIO, kind: str, text: str) -> None:
    """Write a whole answer of a kind."""
    frame(output, b"H", json.dumps({"kind": kind, "form": None}).encode())
    frame(output, b"D", text.encode(errors="replace"))
    frame(output, b"Z")


def failed(output: BinaryIO, name: str, reason: str) -> None:
    """Write that there is no answer, or no more of it, and why."""
    frame(output, b"E", json.dumps({"error": name, "reason": reason}).encode())


@contextmanager
def reported(output: BinaryIO) -> Iterator[None]:
    """Have an error that nobody has foreseen end one answer, and not the process."""
    try:
        yield
    except MemoryError:
        failed(output, MemoryError.__name__, "")
    except Exception:  # whatever it is, the server logs it
        failed(output, INTERNAL, traceback.format_exc())


def started(memory: int) -> tuple[tuple[str, str], Iterator[Request]]:
    """Prepare this process, and give the name and password for a store, and the requests.

    It stands behind others, takes so many bytes of memory at the most, and a server that dies takes
    it along.
    """
    os.nice(_NICENESS)
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    stack = _STACK if most == resource.RLIM_INFINITY else min(_STACK, most)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, most))  # parsers go down it for each level
    requests = map(json.loads, sys.stdin.buffer)
    name, password = next(requests)
    return (name, password), requests


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
