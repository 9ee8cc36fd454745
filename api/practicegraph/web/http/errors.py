"""What every answer needs: the catalogue, the reader's language, and how errors are said."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class UnknownAddressError(LookupError):
    """An address at which nothing stands."""


class NotYetError(LookupError):
    """A dump that is being made."""


class NoLongerError(LookupError):
    """A dump of an earlier release that is no longer kept."""


class NeverMadeError(LookupError):
    """A dump of a release of which none was made here."""


class NoLogError(LookupError):
    """A service beside which no log of changes is kept."""


class UnsupportedError(ValueError):
    """A body in a form that is not read."""


class TooLargeError(ValueError):
    """A body that is larger than allowed, in bytes."""


class StillTrueError(Exception):
    """A request by POST for an answer that the reader has; its tag is the text."""


class BadBodyError(ValueError):
    """A body that says something wrong; the name of the phrase that says what, and its words."""

    def __init__(self, status: HTTPStatus, phrase: str, /, **words: object) -> None:
        super().__init__(phrase)
        self.status, self.phrase, self.words = status, phrase, words


class RefusalError(Exception):
    """A write that is refused: the status, the names of the phrases that say why and what to do."""

    def __init__(self, status: HTTPStatus, phrase: str, hint: str = "", /, **words: object) -> None:
        super().__init__(phrase)
        self.status, self.phrase, self.hint, self.words = status, phrase, hint, words
        self.headers: Mapping[str, str] = {}
        self.more: Mapping[str, Any] = {}
