"""The words of pages and messages, in every language, as the Turtle of the catalogue has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import NamedNode

from .shapes import PG, RDFS, ShapesError
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

        Raises ShapesError where the shapes are older than the program and have no such phrase.
        """
        if name not in self.wordings:
            raise ShapesError(f"no pg:Phrase {name}; this program's own shapes have it")
        return best(self.wordings[name], languages).format_map(words)


def read(store: Store) -> Phrases:
    """Read the phrases out of the store."""
    nodes = store.subjects(RDF + "type", NamedNode(PG + "Phrase"))
    return Phrases({_name(node.value): store.labels(node, RDFS + "label") for node in nodes})


def _name(iri: str) -> str:
    return iri.rpartition("#")[2].removeprefix("phrase-")
