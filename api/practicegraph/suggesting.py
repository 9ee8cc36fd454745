"""Suggestions: things, types and properties whose names or identifiers begin as a reader types."""

from collections.abc import Sequence
from dataclasses import dataclass

from .choices import Choices
from .reconciling import NamesOf
from .records import Reader
from .text import fold
from .things import Things
from .typed import Property, Type

MOST = 1000
"""How many suggestions can be skipped and given together."""


@dataclass(frozen=True)
class Suggesting:
    """Suggests what a beginning may become."""

    things: Things
    names: NamesOf
    reader: Reader

    def entities(
        self, beginning: str, types: Sequence[Type], languages: Sequence[str], most: int
    ) -> list[str]:
        """Give up to so many things: the one with the identifier, concepts, then entries."""
        allowed = {t.key for one in types for t in self.things.types.within(one)}
        lowest = [t for t in self.things.types.lowest if not types or t.key in allowed]
        meant = self.things.meant(beginning)
        found = [meant] if meant and self.things.type_of(meant) in lowest else []
        found += self._concepts(beginning, lowest, languages)
        if self.things.types.entries in lowest and len(found) < most:
            choices = Choices(words=beginning, size=most)
            found += self.things.index.answer(choices, languages).entries
        return list(dict.fromkeys(found))[:most]

    def types(self, beginning: str) -> list[Type]:
        """Give the types with such a name, in any language, or key."""
        wanted = fold(beginning)
        return [
            one
            for one in self.things.types.all.values()
            if _begins([one.key, one.iri, *one.labels.values()], wanted)
        ]

    def properties(self, beginning: str) -> list[Property]:
        """Give the properties with such a name, in any language, or key."""
        wanted = fold(beginning)
        return [
            one
            for one in self.things.types.properties.values()
            if _begins([one.key, *(w for f in one.fields for _, w in f.wordings)], wanted)
        ]

    def _concepts(
        self, beginning: str, types: Sequence[Type], languages: Sequence[str]
    ) -> list[str]:
        """Give the concepts by name, those first with a name that begins so as a whole."""
        ranks: dict[str, bool] = {}
        for one in types:
            names = self.names.by_type.get(one.key)
            for inside, iri in names.beginning(beginning) if names else ():
                ranks[iri] = inside and ranks.get(iri, True)
        called = {iri: fold(self.reader.name(iri, languages)) for iri in ranks}
        return sorted(ranks, key=lambda iri: (ranks[iri], called[iri], iri))


def _begins(names: Sequence[str], wanted: str) -> bool:
    return any(f" {fold(name)}".find(f" {wanted}") >= 0 for name in names)
