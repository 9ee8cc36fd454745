"""The addresses that lead from a search to others: with a choice more, or one less."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from starlette.requests import Request

from ..choices import FROM, NOT, TO
from ..choosing import Choosing
from ..wanted import LENGTH
from . import links

PATH = "/practices"
"""The path of searches."""
SIMILAR = "similar"
"""The last part of the path, below an entry's, of the entries that are near to it."""
OURS = ("lang", "format")
"""The parameters that say how an answer is given, not of what."""
_PLACES = ("after", "before", "explain", "format")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Leads:
    """Gives addresses that keep what was asked, in short forms and from the first entry on."""

    root: str
    asked: tuple[tuple[str, str], ...]

    def to(self, pairs: Pairs, path: str = PATH) -> str:
        """Give an address with parameters."""
        return address(self.root + path, pairs)

    def choosing(self, key: str, value: str) -> str:
        """Give the search with a value chosen."""
        return self._with(self._others(key, value), [(key, value)])

    def excluding(self, key: str, value: str) -> str:
        """Give the search with a value left out."""
        return self._with(self._others(key, value), [(key + NOT, value)])

    def leaving(self, key: str, value: str) -> str:
        """Give the search with a value neither chosen nor left out."""
        return self._with(self._others(key, value))

    def without(self, *names: str) -> list[tuple[str, str]]:
        """Give what was asked but for some parameters."""
        return [pair for pair in self.asked if pair[0] not in names]

    def only(self, *names: str) -> list[tuple[str, str]]:
        """Give what was asked by some parameters alone."""
        return [pair for pair in self.asked if pair[0] in names]

    def _others(self, key: str, value: str) -> str:
        """Give what was asked, as a query, but for a value chosen or left out."""
        unwanted = (key, value), (key + NOT, value)
        if not self._known.isdisjoint(unwanted):
            return urlencode([pair for pair in self.asked if pair not in unwanted])
        return self._query

    def _with(self, query: str, more: Pairs = ()) -> str:
        whole = "&".join(filter(None, (query, urlencode(more))))
        return f"{self.root}{PATH}?{whole}" if whole else self.root + PATH

    @cached_property
    def _known(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.asked)

    @cached_property
    def _query(self) -> str:
        return urlencode(self.asked)


def leads(request: Request, choosing: Choosing, without: Iterable[str] = ()) -> Leads:
    """Give the addresses that lead on from a request, without some of its parameters."""
    unwanted, asked = {*_PLACES, *without}, request.query_params
    given = [
        (name, choosing.short(name, value[:LENGTH]))
        for name, value in asked.multi_items()
        if name not in unwanted
        and (choosing.repeats(name) or value == asked[name])
        and (value or not _may_be_empty(name))
    ]
    return Leads(links.prefix(request), tuple(dict.fromkeys(given)))


def address(path: str, parameters: Pairs) -> str:
    """Give an address with parameters."""
    return path + (f"?{urlencode(parameters)}" if parameters else "")


def query_of(
    parameters: Iterable[tuple[str, str]], without: Iterable[str]
) -> list[tuple[str, str]]:
    """Give the parameters of a request but for some."""
    unwanted = set(without)
    return [(name, value) for name, value in parameters if name not in unwanted]


def _may_be_empty(name: str) -> bool:
    """Tell whether a form sends a parameter even where nothing is put in."""
    return name == "q" or name.endswith((FROM, TO))
