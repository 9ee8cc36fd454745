"""A result ended after so many rows, while it streams past in the engine's own serialisation.

Rows are told by what stands between them and counted a part at a time. In JSON and XML there is
room to say that rows are missing, so those parts are made to end where rows end.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

# In JSON, `},{` stands between rows or in a text. A quotation mark in a text has a backslash
# before it, so that `"` behind `},{` and then no `,` or `}` opens a name, and never ends a text.
_BETWEEN = re.compile(rb"\},\{")
_DOUBTFUL = re.compile(rb'\},\{(?:[^"]|"[,}])')
_TOKENS = re.compile(rb'"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)|(\},\{)(?=[\s\S]{2})')
_AHEAD = 2


class OverError(Exception):
    """A result has more rows than it may have; what it may have has been passed on."""


class Rows(Protocol):
    """Counts the rows of one result; once it is `over`, no more of it may be passed on.

    `told` says whether the result itself tells its reader.
    """

    over: bool
    told: bool

    def passed(self, part: bytes) -> bytes:
        """Take the next part of the result and give what may be passed on."""

    def rest(self) -> bytes:
        """Give what is still to be passed on behind the last part."""


class Endless:
    """Passes everything on: a result without rows, or one whose rows are counted elsewhere."""

    told = False

    def __init__(self) -> None:
        self.over = False

    def passed(self, part: bytes) -> bytes:
        """Give the part."""
        return part

    def rest(self) -> bytes:
        """Give nothing."""
        return b""


class Lines:
    """The rows of TSV: a line each below a line of names; a line end in a text is escaped."""

    told = False

    def __init__(self, most: int) -> None:
        self.over = False
        self._left = most + 1

    def passed(self, part: bytes) -> bytes:
        """Give the part, or nothing if a row too many ends in it."""
        self._left -= self._ends(part)
        self.over = self._left < 0
        return b"" if self.over else part

    def rest(self) -> bytes:
        """Give nothing: no part is held back."""
        return b""

    def _ends(self, part: bytes) -> int:
        return part.count(b"\n")


class Records(Lines):
    """The rows of CSV (RFC 4180): a line end between quotation marks belongs to a text."""

    _quoted = False

    def _ends(self, part: bytes) -> int:
        pieces = part.split(b'"')
        bare = pieces[self._quoted :: 2]
        self._quoted ^= len(pieces) % 2 == 0
        return b"".join(bare).count(b"\n")


class Elements:
    """The rows of XML; a result that is over says so in a processing instruction at its end."""

    told = True
    separator = b"</result><result>"
    end = b"</result>"
    closing = b'</results></sparql><?truncated rows="%d"?>'

    def __init__(self, most: int) -> None:
        self.over = False
        self._most = self._left = most
        self._held: list[bytes] = []
        self._wanted = 0

    def passed(self, part: bytes) -> bytes:
        """Give what ends with a whole row, and hold back the row that has begun."""
        self._held.append(part)
        if self._wanted and sum(map(len, self._held)) < self._wanted:
            return b""
        chunk = b"".join(self._held)
        count, last = self._found(chunk)
        self.over = count >= self._left
        if self.over:
            return self._cut(chunk)
        self._left -= count
        # A row that is longer than a part is looked through again when it is twice as long.
        self._wanted = 0 if count else 2 * len(chunk)
        kept = last + len(self.end) if count else 0
        self._held = [chunk[kept:]]
        return chunk[:kept]

    def rest(self) -> bytes:
        """Give the last rows and the end of the result."""
        chunk = b"" if self.over else b"".join(self._held)
        self.over = self.over or len(self._places(chunk)) >= self._left
        return self._cut(chunk) if self.over and chunk else chunk

    def _cut(self, chunk: bytes) -> bytes:
        at = self._places(chunk)[self._left - 1]
        return chunk[: at + len(self.end)] + self.closing.replace(b"%d", b"%d" % self._most)

    def _found(self, chunk: bytes) -> tuple[int, int]:
        """Give how many rows have another behind them, and where the last of them ends."""
        return chunk.count(self.separator), chunk.rfind(self.separator)

    def _places(self, chunk: bytes) -> Sequence[int]:
        return [found.start() for found in re.finditer(self.separator, chunk)]


class Objects(Elements):
    """The rows of JSON; a result that is over has a member more, `"truncated": true`."""

    separator = b"},{"
    end = b"}"
    closing = b']},"truncated":true}'

    def _found(self, chunk: bytes) -> tuple[int, int]:
        if _DOUBTFUL.search(chunk):
            places = self._places(chunk)
            return len(places), places[-1] if places else -1
        end = len(chunk) - _AHEAD
        return len(_BETWEEN.findall(chunk, 0, end)), chunk.rfind(self.separator, 0, end)

    def _places(self, chunk: bytes) -> Sequence[int]:
        """Give the places between rows, texts read as such; a chunk opens outside of them."""
        return [found.start() for found in _TOKENS.finditer(chunk) if found[1]]


_BY_FORM: Mapping[str, Callable[[int], Rows]] = {
    "json": Objects,
    "xml": Elements,
    "csv": Records,
    "tsv": Lines,
}


def counted(form: str, most: int) -> Rows:
    """Give what counts the rows of solutions in a form, of which there may be so many."""
    return _BY_FORM[form](most)
