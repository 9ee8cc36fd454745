"""What went wrong in a process beside the server: errors of our own, told apart from the reader's.

The log says what is known of each, under a number that the reader is told.
"""

import logging
import secrets
import signal

_LOG = logging.getLogger(__name__)
# What Rust's allocator, the C++ library and Python write where memory is refused.
_MEMORY = (b"memory allocation of", b"bad_alloc", b"MemoryError")


class IncidentError(RuntimeError):
    """An error of our own; the log has more of it under its number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"incident {number}")
        self.number = number


class CrashError(EOFError):
    """A process that has ended by itself: its exit status, if known, and its last words."""

    def __init__(self, status: int | None, words: bytes) -> None:
        super().__init__(f"its process ended: {_named(status)}; {words.decode(errors='replace')}")
        self.status, self.words = status, words

    @property
    def is_of_memory(self) -> bool:
        """Tell whether it ended since it was refused memory."""
        return any(sign in self.words for sign in _MEMORY)


def logged(what: str) -> IncidentError:
    """Log what went wrong, and return the error with the number under which the log has it."""
    error = IncidentError(secrets.token_hex(4))
    _LOG.error("%s: %s", error, what)
    return error


def _named(status: int | None) -> str:
    if status is None:
        return "its exit status is not known"
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status} ({signal.strsignal(-status)})"
