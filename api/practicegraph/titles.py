"""Entries by what they are called: those whose titles have the words of a text, or most of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from pyroaring import BitMap
from rapidfuzz import fuzz

from .choices import TITLE
from .holdings import Holdings
from .ranking import Tier
from .wanted import Wanted, read

_FEW = 8
_SCANNED = 50


def like(
    held: Holdings, text: str, small: Collection[str], languages: Sequence[str], most: int
) -> list[int]:
    """Give up to so many entries whose titles have the words, those called just so first.

    A word that no title has beside longer ones is left out: it may be misspelt.
    """
    found, title = _having(held, read(text, small)), text.lower()
    if len(found) > _SCANNED:
        numbers = [*_called(held, title, languages, most), *islice(found, most)]
        return list(dict.fromkeys(numbers))[:most]
    listed = list(found)
    if len(listed) <= most:
        return listed
    ranked = [(-_likeness(held, number, title), place) for place, number in enumerate(listed)]
    return [listed[place] for _, place in sorted(ranked)[:most]]


def _likeness(held: Holdings, number: int, title: str) -> float:
    """Give how like a title is, as the shelf knows it: quicker than reading the entry."""
    row = held.shelf.row(number)
    titles = row.titles.values() if row else ()
    return max((fuzz.ratio(title, other) for other in titles), default=0.0)


def _having(held: Holdings, wanted: Iterable[Wanted]) -> BitMap:
    """Give the entries with the words in titles; where few have the longest, no more is read."""
    found = BitMap()
    for one in sorted(wanted, key=lambda one: -len(one.beginning)):
        match = next(iter(held.texts.matching([replace(one, whole=True, begins=False)])))
        entries = match.whole.get(Tier.TITLE, BitMap())
        found = found & entries or found or entries
        if 0 < len(found) <= _FEW:
            break
    return found


def _called(held: Holdings, title: str, languages: Sequence[str], most: int) -> Iterator[int]:
    for language in languages:
        order = held.order(TITLE, language)
        place = order.place((title, ""))
        for number in order.numbers[place : place + most].tolist():
            if order.key(number)[0] != title:
                break
            yield number
