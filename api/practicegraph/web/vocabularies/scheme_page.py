"""The page of a scheme: its tree, its concepts from A to Z, and a search among their labels."""

from dataclasses import replace
from typing import Any

from fastapi import Request

from ...schema.records import Record
from ...schema.text import truncate
from ...schema.value_parser import InvalidParameterError
from ...schema.vocabularies import Concept, Scheme
from ..context import Site, View
from .concept_page import concept_values
from .tree import by_letter, most_used, whole_tree
from .uses import count_by_concept, entry_counts

SCHEME_PARAMETERS = QUERY, LETTER = "q", "letter"
"""The parameters of the page: the beginning of a word of a label, and a letter."""
_MAX_LISTED = 60
"""The concepts that one page lists; of more, those of a letter and the most used."""
_MAX_MOST_USED = 20
_MAX_FOUND = 100


def vocabulary_page(
    site: Site, view: View, request: Request, record: Record
) -> tuple[str, dict[str, Any]] | None:
    """Return the template and values of a scheme or a concept of one; None of all else."""
    vocabularies = site.catalogue.vocabularies
    concept = vocabularies.concepts.get(record.iri)
    if concept and concept.scheme in vocabularies.schemes:
        return "concept.html", concept_values(site, view, record, concept)
    if scheme := vocabularies.schemes.get(record.iri):
        return "scheme.html", scheme_values(site, view, request, record, scheme)
    return None


def scheme_values(
    site: Site, view: View, request: Request, record: Record, scheme: Scheme
) -> dict[str, Any]:
    """Return the values of the template of a scheme; raise InvalidParameterError."""
    counts = count_by_concept(site, scheme.iri)
    query = truncate(request.query_params.get(QUERY, "")).strip()
    letters = by_letter(view, scheme.concepts.values())
    letter = request.query_params.get(LETTER, "")
    if letter and letter not in letters:
        raise InvalidParameterError(LETTER, letter, list(letters))
    is_short = len(scheme.concepts) <= _MAX_LISTED
    concepts = [concept for group in letters.values() for concept in group]
    shown = letters if is_short else {letter: letters[letter]} if letter else {}
    return {
        "concepts": concepts,
        "path_of_page": f"/{scheme.key}.html",
        "rest": _rest(record),
        "counts": counts,
        "entry_count": entry_counts(site).get(scheme.iri),
        "query": query,
        "found": find_concepts(view, scheme, query) if query else None,
        "tree": whole_tree(view, scheme) if is_short and scheme.max_depth else None,
        "letters": letters,
        "letter": letter,
        "is_short": is_short,
        "shown": shown,
        "most_used": [] if is_short or letter else most_used(concepts, counts, _MAX_MOST_USED),
    }


def _rest(record: Record) -> Record:
    """Return the record of a scheme without its description, which opens the page."""
    shown = {field.key for field in record.shape.fields_with_role("DescriptionRole")}
    return replace(record, values={k: v for k, v in record.values.items() if k not in shown})


def find_concepts(view: View, scheme: Scheme, text: str) -> list[Concept]:
    """Return the current concepts with a label in which a word has a prefix, or with a code.

    Those whose label begins with it come first; each part is in the order of the index.
    """
    types = view.services.types
    names = next((n for n in types.concept_names.values() if n.scheme.iri == scheme.iri), None)
    if names is None:
        return []
    coded = names.find_equal(text)
    inside: dict[str, bool] = dict.fromkeys(coded, False)
    for is_inside, iri in names.find_by_prefix(text):
        inside[iri] = is_inside and inside.get(iri, True)
    concepts = view.catalogue.vocabularies.concepts
    order = sorted(inside, key=lambda iri: (inside[iri], view.text(concepts[iri].labels)))
    return [concepts[iri] for iri in order[:_MAX_FOUND]]
