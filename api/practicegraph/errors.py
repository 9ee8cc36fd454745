"""The base of all errors that a person can act on: what is wrong, where, and what to do."""

from collections.abc import Mapping
from typing import Any


class CatalogueError(Exception):
    """An error told to readers, writers and users; its text is for the command line and the log.

    `kind` is the name of the phrase that says what is wrong, `hint` of one that says what to do;
    `words` fill both. The table in `web/problems` has the HTTP status of each kind. Lines and
    columns count from 1; 0 is an unknown position. `extra` has further members of the problem
    details (RFC 9457, section 3.2).
    """

    kind = "incident"
    hint = ""

    def __init__(
        self,
        text: str = "",
        /,
        *,
        kind: str = "",
        hint: str = "",
        line: int = 0,
        column: int = 0,
        extra: Mapping[str, Any] | None = None,
        **words: object,
    ) -> None:
        super().__init__(text)
        self.kind, self.hint = kind or self.kind, hint or self.hint
        self.line, self.column = line, column
        self.extra, self.words = dict(extra or {}), words

    @property
    def phrase(self) -> dict[str, Any]:
        """Return the hint and its words."""
        return {"hint": self.hint, **self.words}

    def __str__(self) -> str:
        """Return the text, else the kind."""
        return super().__str__() or self.kind


class RequestError(CatalogueError):
    """A request that is not answered as it asks; the kind says why, headers go with the answer."""

    def __init__(
        self,
        kind: str,
        hint: str = "",
        /,
        *,
        headers: Mapping[str, str] | None = None,
        line: int = 0,
        column: int = 0,
        extra: Mapping[str, Any] | None = None,
        **words: object,
    ) -> None:
        super().__init__(kind=kind, hint=hint, line=line, column=column, extra=extra, **words)
        self.headers = headers or {}
