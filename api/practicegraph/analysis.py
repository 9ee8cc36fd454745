"""Texts of entries taken apart: the tokens that stand in each place, and the words there are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import Literal

from .kinds import Field
from .ranking import Tier, tier
from .store import Term
from .words import Words, listed, plain

Written = tuple[Tier, str, str | None]
"""A text of an entry: its place, its words and its language (BCP 47), if it has one."""

PLACES = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
"""The places of texts; labels stand with their concepts."""
_BETWEEN = " ¶ "  # no word comes to this token, so no phrase goes on from one text to the next
_MOST_KNOWN = 500_000


def written(filled: Iterable[tuple[Field, Iterable[Term]]]) -> list[Written]:
    """Give the texts in which an entry is searched, of its fields with their values."""
    return [
        (tier(field), term.value, term.language)
        for field, terms in filled
        if field.searched and not field.scheme
        for term in terms
        if isinstance(term, Literal)
    ]


@dataclass(frozen=True)
class Analysed:
    """The tokens of an entry, place by place, and words: as compared, their token, as written.

    Whoever analyses many entries tells each word once.
    """

    columns: tuple[str, ...]
    words: tuple[tuple[str, str, str], ...]


class Analyst:
    """Analyses the texts of entries."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._known: dict[str | None, set[str]] = defaultdict(set)

    def analyse(self, texts: Iterable[Written]) -> Analysed:
        """Give the tokens of an entry's texts, and the words that were not told before."""
        columns: dict[Tier, list[str]] = {place: [] for place in PLACES}
        told: set[tuple[str, str, str]] = set()
        for place, text, language in texts:
            columns[place].append(self._words.tokens(text, language))
            if fresh := set(text.split()) - self._known[language]:
                told.update(self._told(fresh, language))
        joined = tuple(_BETWEEN.join(tokens) for tokens in columns.values())
        return Analysed(joined, tuple(sorted(told)))

    def _told(self, pieces: set[str], language: str | None) -> Iterator[tuple[str, str, str]]:
        """Give the words of what stands between two spaces, which is known from then on."""
        known = self._known[language]
        if len(known) > _MOST_KNOWN:
            known.clear()
        known |= pieces
        for word in listed(" ".join(pieces)):
            form = plain(word)
            if form and not form[0].isdigit():  # numbers have neither other forms nor near ones
                yield form, self._words.token(word, language), word
