"""Results cut off at a number of rows while they stream past in the engine's serialisation.

Rows are counted by what stands between them, a chunk at a time. JSON and XML have room to state
that rows are missing, so those results are made to end where a row ends.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

# In JSON, `},{` stands between rows or in a string. A quotation mark in a string has a backslash
# before it, so that `"` behind `},{` and then no `,` or `}` opens a name, and never ends a string.
_SEPARATOR = re.compile(rb"\},\{")
_AMBIGUOUS = re.compile(rb'\},\{(?:[^"]|"[,}])')
_TOKENS = re.compile(rb'"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)|(\},\{)(?=[\s\S]{2})')
_LOOKAHEAD = 2


class RowLimitError(Exception):
    """A result has more rows than it may have; those that it may have have been passed on."""


class RowLimiter(Protocol):
    """Counts the rows of one result; once it is `exceeded`, no more of it may be passed on.

    `is_stated` is whether the result itself states that it is cut off.
    """

    exceeded: bool
    is_stated: bool

    def feed(self, chunk: bytes) -> bytes:
        """Take the next chunk of the result; return what may be passed on."""

    def finish(self) -> bytes:
        """Return what is still to be passed on behind the last chunk."""


class Unlimited:
    """Passes everything on: a result without rows, or one whose rows are counted elsewhere."""

    is_stated = False

    def __init__(self) -> None:
        self.exceeded = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk."""
        return chunk

    def finish(self) -> bytes:
        """Return nothing."""
        return b""


class TsvLimiter:
    """TSV: a line for each row below a line of names; a line end in a value is escaped."""

    is_stated = False

    def __init__(self, maximum: int) -> None:
        self.exceeded = False
        self._left = maximum + 1

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk, or nothing if a row too many ends in it."""
        self._left -= self._line_ends(chunk)
        self.exceeded = self._left < 0
        return b"" if self.exceeded else chunk

    def finish(self) -> bytes:
        """Return nothing: no chunk is held back."""
        return b""

    def _line_ends(self, chunk: bytes) -> int:
        return chunk.count(b"\n")


class CsvLimiter(TsvLimiter):
    """CSV (RFC 4180): a line end between quotation marks belongs to a value."""

    _is_quoted = False

    def _line_ends(self, chunk: bytes) -> int:
        pieces = chunk.split(b'"')
        unquoted = pieces[self._is_quoted :: 2]
        self._is_quoted ^= len(pieces) % 2 == 0
        return b"".join(unquoted).count(b"\n")


class XmlLimiter:
    """XML; a result that is cut off has a processing instruction at its end."""

    is_stated = True
    separator = b"</result><result>"
    row_end = b"</result>"
    closing = b'</results></sparql><?truncated rows="%d"?>'

    def __init__(self, maximum: int) -> None:
        self.exceeded = False
        self._maximum = self._left = maximum
        self._held: list[bytes] = []
        self._next_size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return what ends with a whole row, and hold back the row that has begun."""
        self._held.append(chunk)
        if self._next_size and sum(map(len, self._held)) < self._next_size:
            return b""
        held = b"".join(self._held)
        count, last = self._count(held)
        self.exceeded = count >= self._left
        if self.exceeded:
            return self._cut(held)
        self._left -= count
        # A row that is longer than a chunk is looked through again when it is twice as long.
        self._next_size = 0 if count else 2 * len(held)
        end = last + len(self.row_end) if count else 0
        self._held = [held[end:]]
        return held[:end]

    def finish(self) -> bytes:
        """Return the last rows and the end of the result."""
        held = b"" if self.exceeded else b"".join(self._held)
        self.exceeded = self.exceeded or len(self._separators(held)) >= self._left
        return self._cut(held) if self.exceeded and held else held

    def _cut(self, held: bytes) -> bytes:
        last = self._separators(held)[self._left - 1]
        return held[: last + len(self.row_end)] + self.closing.replace(b"%d", b"%d" % self._maximum)

    def _count(self, held: bytes) -> tuple[int, int]:
        """Return how many rows have another behind them, and where the last of them ends."""
        return held.count(self.separator), held.rfind(self.separator)

    def _separators(self, held: bytes) -> Sequence[int]:
        return [match.start() for match in re.finditer(self.separator, held)]


class JsonLimiter(XmlLimiter):
    """JSON; a result that is cut off has a further member, `"truncated": true`."""

    separator = b"},{"
    row_end = b"}"
    closing = b']},"truncated":true}'

    def _count(self, held: bytes) -> tuple[int, int]:
        if _AMBIGUOUS.search(held):
            places = self._separators(held)
            return len(places), places[-1] if places else -1
        end = len(held) - _LOOKAHEAD
        return len(_SEPARATOR.findall(held, 0, end)), held.rfind(self.separator, 0, end)

    def _separators(self, held: bytes) -> Sequence[int]:
        """Return the places between rows, strings read as such; `held` begins outside of one."""
        return [match.start() for match in _TOKENS.finditer(held) if match[1]]


_BY_FORMAT: Mapping[str, Callable[[int], RowLimiter]] = {
    "json": JsonLimiter,
    "xml": XmlLimiter,
    "csv": CsvLimiter,
    "tsv": TsvLimiter,
}


def row_limiter(format_name: str, maximum: int) -> RowLimiter:
    """Return what limits the solutions of one result in a format to a number of rows."""
    return _BY_FORMAT[format_name](maximum)
