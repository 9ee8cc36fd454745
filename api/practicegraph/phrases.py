"""The words of pages and messages, in every language, as the Turtle of the catalogue has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import NamedNode

from .shapes import PG, RDFS
from .store import RDF, Store
from .text import Labels, best

TRUTH = {"true": "yes", "false": "no"}
"""The phrases that say what is true and what is not."""


@dataclass(frozen=True)
class Phrases:
    """Wordings by name; the name is the last part of a phrase's IRI."""

    wordings: Mapping[str, Labels]

    def say(self, name: str, languages: Sequence[str], /, **words: object) -> str:
        """Give a phrase in the first of the languages that has it, its braces filled in.

        One that the shapes do not have, or with braces that nothing fills, is said as it is.
        """
        text = best(self.of(name), languages) or name
        try:
            return text.format_map(words)
        except (LookupError, ValueError, AttributeError):
            return text

    def of(self, name: str) -> Labels:
        """Return the wordings of a phrase by language, none where the shapes lack it."""
        return self.wordings.get(name, {})


def read(store: Store) -> Phrases:
    """Read the phrases out of the store."""
    nodes = store.subjects(RDF + "type", NamedNode(PG + "Phrase"))
    return Phrases({_name(node.value): store.labels(node, RDFS + "label") for node in nodes})


def _name(iri: str) -> str:
    return iri.rpartition("#")[2].removeprefix("phrase-")
