"""Where the triples of a text stand whose syntax is not known to the letter: JSON-LD, RDF/XML.

Each value in the text is replaced by a mark, and the text read a second time. The same triples come
in the same order, and the marks in them say where each one is from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from pyoxigraph import Quad, Triple

from .leaves import Leaf, with_others
from .places import Placed, Places, Span

_MARK = "urn:place:"
_NO_PLACE = Span(0, 0)


def placed(
    text: str,
    leaves: Sequence[Leaf],
    quads: Sequence[Quad],
    read: Callable[[str], Iterable[Quad]],
    others: Mapping[Span, str],
    quoted: str = "{}",
) -> tuple[Placed, ...]:
    """Give the triples with their places; none where the marked text has other triples.

    `others` are what is read in the place of parts of the text; `quoted` is how a value stands.
    """
    marks = {leaf.at: quoted.format(f"{_MARK}{n}") for n, leaf in enumerate(leaves)}
    try:
        marked = list(read(with_others(text, marks | dict(others))))
    except SyntaxError:
        return ()
    if [quad.predicate for quad in quads] != [quad.predicate for quad in marked]:
        return ()
    pairs = zip(quads, marked, strict=True)
    return tuple(_placed(quad, other, leaves) for quad, other in pairs)


def _placed(quad: Quad, marked: Quad, leaves: Sequence[Leaf]) -> Placed:
    subject, value = _leaf(marked.subject, leaves), _leaf(marked.object, leaves)
    start = subject.at if subject else value.key if value else _NO_PLACE
    assert not isinstance(quad.subject, Triple)
    spans = Places(start, value.key if value else start, value.at if value else start)
    return Placed(quad.subject, quad.predicate, quad.object, spans, {})


def _leaf(term: object, leaves: Sequence[Leaf]) -> Leaf | None:
    before, mark, number = getattr(term, "value", "").partition(_MARK)
    is_mark = mark and not before and number.isdecimal() and int(number) < len(leaves)
    return leaves[int(number)] if is_mark else None
