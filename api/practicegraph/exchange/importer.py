"""What a draft changes in an entry: the triples after it, with where they come from (PROV).

From the files of an import to the changes that they make in the catalogue's files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import documents
from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import DCT, PG, PROV, RDF, SCHEMA, XSD
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
"""The properties of an entry that an import states by itself."""


@dataclass(frozen=True)
class ImportContext:
    """The circumstances of an import: the program's version, the day of reading, and today."""

    version: str
    retrieved: date
    today: date


def apply_draft(
    draft: Draft, entry: NamedNode, before: Iterable[Triple], kind: NodeShape, made: ImportContext
) -> list[Triple]:
    """Return the triples of the entry after the draft; the same ones where it says nothing new."""
    old = list(before)
    triples = [triple for triple in old if not any(_says(v, triple, entry) for v in draft.values)]
    triples += [Triple(entry, NamedNode(RDF + "type"), NamedNode(kind.classes[0]))]
    triples += [triple for values in draft.values for triple in _stated(values, entry)]
    if draft.is_page:
        triples += [Triple(entry, _SOURCE, NamedNode(draft.source))]
    activity = NamedNode(f"{entry.value}#{draft.part}")
    if set(triples) == set(old) and (_was_read(draft, activity, old) or not draft.is_page):
        return old
    triples = [triple for triple in triples if triple.subject != activity]
    triples += _provenance(draft, entry, activity, made)
    return _dated(triples, entry, made.today)


def _says(values: FieldValues, triple: Triple, entry: NamedNode) -> bool:
    if triple.subject != entry or triple.predicate != _predicate(values.field):
        return False
    language = triple.object.language if isinstance(triple.object, Literal) else None
    return values.language is None or language == values.language


def _stated(values: FieldValues, entry: NamedNode) -> Iterator[Triple]:
    return (Triple(entry, _predicate(values.field), term) for term in values.terms)


def _predicate(field: Field) -> NamedNode:
    assert field.predicate, f"{field.iri}: values of a longer path cannot be imported"
    return NamedNode(field.predicate)


def _was_read(draft: Draft, activity: NamedNode, triples: Iterable[Triple]) -> bool:
    return Triple(activity, _CHECKSUM, Literal(draft.checksum)) in set(triples)


def _provenance(
    draft: Draft, entry: NamedNode, activity: NamedNode, made: ImportContext
) -> Iterator[Triple]:
    yield Triple(entry, GENERATED, activity)
    yield Triple(activity, NamedNode(RDF + "type"), NamedNode(PG + "Import"))
    for name, value in (
        (PROV + "used", NamedNode(draft.source)),
        (PG + "retrieved", date_literal(made.retrieved)),
        (PROV + "wasAssociatedWith", NamedNode(PG + "importer")),
        (_SOFTWARE_VERSION.value, Literal(made.version)),
        (_CHECKSUM.value, Literal(draft.checksum)),
    ):
        yield Triple(activity, NamedNode(name), value)


def _dated(triples: list[Triple], entry: NamedNode, today: date) -> list[Triple]:
    dated = [triple for triple in triples if not _about(triple, entry, MODIFIED)]
    dated.append(Triple(entry, MODIFIED, date_literal(today)))
    if not any(_about(triple, entry, ISSUED) for triple in dated):
        dated.append(Triple(entry, ISSUED, date_literal(today)))
    return list(dict.fromkeys(dated))


def date_literal(found: date) -> Literal:
    """Return a day as a value."""
    return Literal(found.isoformat(), datatype=NamedNode(XSD + "date"))


def _about(triple: Triple, subject: NamedNode, predicate: NamedNode) -> bool:
    return triple.subject == subject and triple.predicate == predicate


@dataclass(frozen=True)
class PageOptions:
    """What a user says of a page where its name, ID.LANG.txt, does not say it."""

    identifier: str | None = None
    language: str | None = None
    url: str | None = None


def read_drafts(opened: Catalogue, path: Path, given: PageOptions) -> list[Draft]:
    """Read a page, or a table (CSV, XLSX); raises RefusedError with every problem."""
    if path.suffix.lower() in table_reader.TABLE_EXTENSIONS:
        return TableParser(opened.value_parser).parse_file(path)
    if path.suffix.lower() in table_reader.REFUSED_EXTENSIONS:
        raise opened.value_parser.file_error(path, "otherTable")
    identifier, language = _named(path)
    identifier, language = given.identifier or identifier, given.language or language
    if not identifier:
        raise opened.value_parser.file_error(path, "noIdentifier")
    if language not in opened.languages:
        known = ", ".join(opened.languages)
        raise opened.value_parser.file_error(path, "noLanguageOfPage", languages=known)
    address = given.url or read_source_site(opened.store).page_url(identifier, language)
    if not address:
        raise opened.value_parser.file_error(path, "noSourceAddress")
    return [
        SourcePageParser(opened.value_parser, read_source_site(opened.store)).parse_file(
            path, identifier, language, address
        )
    ]


def file_changes(
    opened: Catalogue, drafted: Iterable[Draft], made: ImportContext
) -> list[FileChange]:
    """Return what becomes of each entry's file; several drafts of one entry come one on another."""
    found: dict[Path, FileChange] = {}
    for draft in drafted:
        path = opened.entry_path(draft.identifier)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = found[path].after if path in found else before
        triples = (
            [q.triple for q in documents.parse_document(path, text.encode()).quads] if text else []
        )
        entry = opened.entry_iri(draft.identifier)
        applied = apply_draft(draft, NamedNode(entry), triples, opened.shapes.entry_shape, made)
        after = text if applied == triples else opened.writer.write(applied, entry)
        found[path] = FileChange(path, before, after)
    return list(found.values())


def _named(path: Path) -> tuple[str, str]:
    identifier, *rest = path.name.split(".")
    return (identifier, rest[0]) if len(rest) == 2 else ("", "")
