"""The changes that an import makes in the files of entries, with their provenance (PROV)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import documents
from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import DCT, PG, PROV, SCHEMA, XSD
from ..rdf.terms import TYPE
from ..schema.fields import Field, NodeShape
from ..schema.value_parser import Draft, FieldValues
from ..storage.files import FileChange
from . import table_reader
from .source_pages import SourcePageParser, read_source_site
from .table_reader import TableParser

_SOFTWARE_VERSION = NamedNode(SCHEMA + "softwareVersion")
GENERATED = NamedNode(PROV + "wasGeneratedBy")
_SOURCE = NamedNode(DCT + "source")
ISSUED, MODIFIED = NamedNode(DCT + "issued"), NamedNode(DCT + "modified")
_CHECKSUM = NamedNode(PG + "checksum")
GENERATED_PROPERTIES = frozenset(term.value for term in (GENERATED, ISSUED, MODIFIED))
"""The properties of an entry that an import sets by itself."""


@dataclass(frozen=True)
class ImportContext:
    """The version of the program, the day on which the sources were retrieved, and today."""

    version: str
    retrieved: date
    today: date


def apply_draft(
    draft: Draft,
    entry: NamedNode,
    before: Iterable[Triple],
    kind: NodeShape,
    context: ImportContext,
) -> list[Triple]:
    """Return the triples of the entry after the draft, which may be the same."""
    old = list(before)
    triples = [
        triple for triple in old if not any(_replaces(v, triple, entry) for v in draft.values)
    ]
    triples += [Triple(entry, TYPE, NamedNode(kind.classes[0]))]
    triples += [triple for values in draft.values for triple in _triples(values, entry)]
    if draft.is_page:
        triples += [Triple(entry, _SOURCE, NamedNode(draft.source))]
    activity = NamedNode(f"{entry.value}#{draft.part}")
    if set(triples) == set(old) and (_was_imported(draft, activity, old) or not draft.is_page):
        return old
    triples = [triple for triple in triples if triple.subject != activity]
    triples += _provenance(draft, entry, activity, context)
    return _dated(triples, entry, context.today)


def _replaces(values: FieldValues, triple: Triple, entry: NamedNode) -> bool:
    if triple.subject != entry or triple.predicate != _predicate(values.field):
        return False
    language = triple.object.language if isinstance(triple.object, Literal) else None
    return values.language is None or language == values.language


def _triples(values: FieldValues, entry: NamedNode) -> Iterator[Triple]:
    return (Triple(entry, _predicate(values.field), term) for term in values.terms)


def _predicate(field: Field) -> NamedNode:
    assert field.predicate, f"{field.iri}: values of a longer path cannot be imported"
    return NamedNode(field.predicate)


def _was_imported(draft: Draft, activity: NamedNode, triples: Iterable[Triple]) -> bool:
    return Triple(activity, _CHECKSUM, Literal(draft.checksum)) in set(triples)


def _provenance(
    draft: Draft, entry: NamedNode, activity: NamedNode, context: ImportContext
) -> Iterator[Triple]:
    yield Triple(entry, GENERATED, activity)
    yield Triple(activity, TYPE, NamedNode(PG + "Import"))
    for name, value in (
        (PROV + "used", NamedNode(draft.source)),
        (PG + "retrieved", date_literal(context.retrieved)),
        (PROV + "wasAssociatedWith", NamedNode(PG + "importer")),
        (_SOFTWARE_VERSION.value, Literal(context.version)),
        (_CHECKSUM.value, Literal(draft.checksum)),
    ):
        yield Triple(activity, NamedNode(name), value)


def _dated(triples: list[Triple], entry: NamedNode, today: date) -> list[Triple]:
    dated = [triple for triple in triples if not _has(triple, entry, MODIFIED)]
    dated.append(Triple(entry, MODIFIED, date_literal(today)))
    if not any(_has(triple, entry, ISSUED) for triple in dated):
        dated.append(Triple(entry, ISSUED, date_literal(today)))
    return list(dict.fromkeys(dated))


def date_literal(day: date) -> Literal:
    """Return a day as an xsd:date."""
    return Literal(day.isoformat(), datatype=NamedNode(XSD + "date"))


def _has(triple: Triple, subject: NamedNode, predicate: NamedNode) -> bool:
    return triple.subject == subject and triple.predicate == predicate


@dataclass(frozen=True)
class PageOptions:
    """The identifier, language and URL of a page whose file is not named ID.LANG.txt."""

    identifier: str | None = None
    language: str | None = None
    url: str | None = None


def read_drafts(catalogue: Catalogue, path: Path, options: PageOptions) -> list[Draft]:
    """Parse a page, or a table (CSV, XLSX); raises RefusedError with every problem."""
    if path.suffix.lower() in table_reader.TABLE_EXTENSIONS:
        return TableParser(catalogue.value_parser).parse_file(path)
    if path.suffix.lower() in table_reader.REFUSED_EXTENSIONS:
        raise catalogue.value_parser.file_error(path, "unsupportedTable")
    identifier, language = _named(path)
    identifier, language = options.identifier or identifier, options.language or language
    if not identifier:
        raise catalogue.value_parser.file_error(path, "identifierRequired")
    if language not in catalogue.languages:
        known = ", ".join(catalogue.languages)
        raise catalogue.value_parser.file_error(path, "unknownPageLanguage", languages=known)
    address = options.url or read_source_site(catalogue.store).page_url(identifier, language)
    if not address:
        raise catalogue.value_parser.file_error(path, "sourceRequired")
    return [
        SourcePageParser(catalogue.value_parser, read_source_site(catalogue.store)).parse_file(
            path, identifier, language, address
        )
    ]


def file_changes(
    catalogue: Catalogue, drafts: Iterable[Draft], context: ImportContext
) -> list[FileChange]:
    """Return the change of each entry's file; drafts of one entry are applied in turn."""
    changes: dict[Path, FileChange] = {}
    for draft in drafts:
        path = catalogue.entry_path(draft.identifier)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = changes[path].after if path in changes else before
        triples = (
            [q.triple for q in documents.parse_document(path, text.encode()).quads] if text else []
        )
        entry = catalogue.entry_iri(draft.identifier)
        applied = apply_draft(
            draft, NamedNode(entry), triples, catalogue.shapes.entry_shape, context
        )
        after = text if applied == triples else catalogue.writer.write(applied, entry)
        changes[path] = FileChange(path, before, after)
    return list(changes.values())


def _named(path: Path) -> tuple[str, str]:
    identifier, *rest = path.name.split(".")
    return (identifier, rest[0]) if len(rest) == 2 else ("", "")
