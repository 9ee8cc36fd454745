"""The concepts of a scheme as a tree, by their first letters, and by the words of their labels."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...schema.text import collation_key, strip_accents
from ...schema.vocabularies import Concept, Scheme
from ..context import View

_MAX_SIBLINGS = 24
"""The concepts of one level of a folded tree; more are left out around the one on the path."""


@dataclass(frozen=True)
class TreeItem:
    """A concept in a tree with those below it; `left_out` are siblings that are not shown."""

    concept: Concept
    items: tuple["TreeItem", ...] = ()
    left_out: int = 0


def whole_tree(view: View, scheme: Scheme) -> list[TreeItem]:
    """Return all current concepts of a scheme as a tree."""
    return _items(view, scheme, "", (), None)


def folded_tree(view: View, scheme: Scheme, concept: Concept) -> list[TreeItem]:
    """Return the tree of a scheme, folded to the path of a concept: its ancestors and siblings."""
    return _items(view, scheme, "", (), {concept.iri, *scheme.ancestors.get(concept.iri, ())})


def by_letter(view: View, concepts: Iterable[Concept]) -> dict[str, list[Concept]]:
    """Return concepts by the first letter of their labels, in the order of the language."""
    letters: dict[str, list[Concept]] = {}
    for concept in sort_by_label(view, concepts):
        letter = strip_accents(view.text(concept.labels)[:1]).upper()[:1]
        letters.setdefault(letter or "–", []).append(concept)
    return letters


def sort_by_label(view: View, concepts: Iterable[Concept]) -> list[Concept]:
    """Return concepts in the order of their labels in the language of the reader."""
    return sorted(concepts, key=lambda c: collation_key(view.text(c.labels), view.language))


def most_used(concepts: Sequence[Concept], counts: Mapping[str, int], limit: int) -> list[Concept]:
    """Return the concepts that most entries have, of those that any has; on a tie in their order.

    Without counts there are none.
    """
    used = [concept for concept in concepts if counts.get(concept.iri)]
    return sorted(used, key=lambda concept: -counts[concept.iri])[:limit]


def _items(
    view: View, scheme: Scheme, parent: str, above: tuple[str, ...], path: Collection[str] | None
) -> list[TreeItem]:
    """Return the items below a concept; of a folded tree, those below concepts on the path."""
    children = [c for c in scheme.narrower.get(parent, ()) if c.iri not in above]
    children = sort_by_label(view, children)
    start, end = _window(children, path)
    left_out = len(children) - (end - start)
    items = []
    for concept in children[start:end]:
        is_open = path is None or concept.iri in path
        below = _items(view, scheme, concept.iri, (*above, concept.iri), path) if is_open else []
        items.append(TreeItem(concept, tuple(below)))
    return [*items[:-1], TreeItem(items[-1].concept, items[-1].items, left_out)] if items else []


def _window(concepts: Sequence[Concept], path: Collection[str] | None) -> tuple[int, int]:
    """Return the range of the concepts of a level that are shown: those near to the path."""
    if path is None or len(concepts) <= _MAX_SIBLINGS:
        return 0, len(concepts)
    on_path = next((n for n, concept in enumerate(concepts) if concept.iri in path), 0)
    start = min(max(0, on_path - _MAX_SIBLINGS // 2), len(concepts) - _MAX_SIBLINGS)
    return start, start + _MAX_SIBLINGS
