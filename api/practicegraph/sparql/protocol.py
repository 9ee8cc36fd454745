"""The worker's side of the protocol between the server and its worker processes.

A worker reads its standard input line by line, in JSON: first the name and password for a remote
store, then requests. It writes frames on its standard output: a letter, the length of the content
in four bytes, the content. H opens a result, D is a chunk of it, Z ends it; M ends one that has
more rows than it may have, E says in JSON why there is none.
"""

import json
import os
import resource
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import msgspec

HEADER = struct.Struct(">cI")
"""The header of a frame: the letter and the length."""
CHUNK_SIZE = 1 << 18
SMALL_RESULT = CHUNK_SIZE // 2
"""The bytes below which a result is not sent in chunks: it is gathered and sent as one."""
INTERNAL_ERROR = "InternalError"
"""The name in an E frame of an unforeseen error, with the traceback as the reason."""

_NICENESS = 5
_STACK_BYTES = 1 << 27
Request = Mapping[str, Any]


def start_worker(memory: int) -> tuple[tuple[str, str], Iterator[Request]]:
    """Prepare this process; return the name and password for a remote store, and the requests.

    It runs at a lower priority, in at most so many bytes of memory, and ends with the server.
    """
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    _, maximum = resource.getrlimit(resource.RLIMIT_STACK)
    stack = _STACK_BYTES if maximum == resource.RLIM_INFINITY else min(_STACK_BYTES, maximum)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, maximum))  # parsers recurse at each level
    requests = map(msgspec.json.decode, sys.stdin.buffer)
    name, password = next(requests)
    return (name, password), requests


def serve(requests: Iterator[Request], respond: Callable[[Request, BinaryIO], None]) -> None:
    """Respond to requests until the input ends; an error that is not foreseen ends one result."""
    output = sys.stdout.buffer
    write_frame(output, b"Z")
    for request in requests:
        with unforeseen_errors(output):
            respond(request, output)


def write_frame(output: BinaryIO, letter: bytes, content: bytes = b"") -> None:
    """Write a frame; a small one is flushed with the next, unless it ends a result."""
    output.write(HEADER.pack(letter, len(content)) + content)
    if letter != b"H" and (letter != b"D" or len(content) >= SMALL_RESULT):
        output.flush()


def write_head(output: BinaryIO, kind: str, format_name: str | None) -> None:
    """Write which kind of result follows, and in which format, if the kind has one."""
    write_frame(output, b"H", msgspec.json.encode({"kind": kind, "format": format_name}))


def write_text(output: BinaryIO, kind: str, text: str) -> None:
    """Write a whole result of a kind."""
    write_head(output, kind, None)
    write_frame(output, b"D", text.encode(errors="replace"))
    write_frame(output, b"Z")


def write_error(output: BinaryIO, name: str, reason: str, **arguments: Any) -> None:
    """Write that there is no result, or no more of it, and why: the arguments of the error."""
    content = {"error": name, "reason": reason, "arguments": arguments}
    write_frame(output, b"E", json.dumps(content).encode())


@contextmanager
def unforeseen_errors(output: BinaryIO) -> Iterator[None]:
    """Write an unforeseen error as the end of one result; the process goes on."""
    try:
        yield
    except MemoryError:
        write_error(output, MemoryError.__name__, "")
    except Exception:  # whatever it is, the server logs it
        write_error(output, INTERNAL_ERROR, traceback.format_exc())


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
