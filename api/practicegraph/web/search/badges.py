"""The badges of an entry in lists: the values of the fields that the shapes mark as badges."""

from collections.abc import Iterator
from typing import NamedTuple

from pyoxigraph import NamedNode

from ...rdf.terms import TRUE, as_text
from ...schema.fields import Field, get_scale
from ...schema.records import Record
from ..context import View

_MAX_VALUES = 3
_DASH = "–"


class Badge(NamedTuple):
    """The name of a field, and its values as one text."""

    name: str
    text: str


def badges(view: View, record: Record) -> Iterator[Badge]:
    """Yield the badges of an entry in the order of the shapes; of many values, the first ones."""
    for field in record.shape.badges:
        text = _span(record, field) if field.is_ordered else _labels(view, record, field)
        if text:
            yield Badge(view.text(field.names), text)


def _labels(view: View, record: Record, field: Field) -> str:
    terms = dict.fromkeys(
        term
        for own in record.shape.fields_of_facet(field)
        for term in record.values.get(own.key, ())
    )
    labels = [
        view.name(term.value) if isinstance(term, NamedNode) else view.format_code(as_text(term))
        for term in terms
    ]
    more = f" +{len(labels) - _MAX_VALUES}" if len(labels) > _MAX_VALUES else ""
    return ", ".join(labels[:_MAX_VALUES]) + more


def _span(record: Record, field: Field) -> str:
    """Return the steps from the least to the greatest value, as years; an open end has none."""
    scale = get_scale(field)
    texts = [
        scale.lexical_value(as_text(term))
        for own in record.shape.fields_of_facet(field)
        for term in record.values.get(own.key, ())
    ]
    steps = [scale.step(scale.lower_bound(text)) for text in texts if scale.is_valid(text)]
    if not steps:
        return ""
    first, last = (scale.format_step(step) for step in (min(steps), max(steps)))
    if _is_open(record, field):
        return first + _DASH
    return first if first == last else first + _DASH + last


def _is_open(record: Record, field: Field) -> bool:
    keys = record.shape.keys_by_predicate.get(field.open_where or "", ())
    return any(TRUE in record.values.get(key, ()) for key in keys)
