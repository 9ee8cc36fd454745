"""The changes that an import makes in the files of entries, with their provenance (PROV)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import comments, documents
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..rdf.terms import PG, PROV, SCHEMA, TYPE, date_literal
from ..schema.catalog_records import GENERATED, SOURCE, CatalogRecords, Place
from ..schema.value_parser import Draft, FieldValues, SourceLocation
from ..storage.files import FileChange
from . import table_reader
from .source_pages import SourcePageParser, read_source_site
from .table_reader import TableParser

_SOFTWARE_VERSION = NamedNode(SCHEMA + "softwareVersion")
_CHECKSUM = NamedNode(PG + "checksum")


@dataclass(frozen=True)
class ImportContext:
    """The version of the program, the day on which the sources were retrieved, and today."""

    version: str
    retrieved: date
    today: date


def apply_draft(
    draft: Draft,
    entry: NamedNode,
    before: Sequence[Triple],
    records: CatalogRecords,
    context: ImportContext,
) -> list[Triple]:
    """Return the triples of the entry after the draft, which may be the same."""
    places = [(p, v) for v in draft.values if (p := records.place(v.field, entry))]
    triples = [t for t in before if not any(_replaces(v, place, t) for place, v in places)]
    triples += [Triple(entry, TYPE, NamedNode(records.shape.classes[0]))]
    triples += [Triple(*place, term) for place, values in places for term in values.terms]
    if draft.is_page:
        triples += [Triple(records.subject(entry), SOURCE, NamedNode(draft.source))]
    triples = records.complete(entry, triples)
    activity = NamedNode(f"{entry.value}#{draft.part}")
    is_same = set(triples) == set(before)
    if is_same and (not draft.is_page or _was_imported(draft, activity, before)):
        return list(before)
    triples = [triple for triple in triples if triple.subject != activity]
    triples += _provenance(draft, records.subject(entry), activity, context)
    return records.dated(entry, triples, context.today)


def _replaces(values: FieldValues, place: Place, triple: Triple) -> bool:
    if (triple.subject, triple.predicate) != place:
        return False
    language = triple.object.language if isinstance(triple.object, Literal) else None
    return values.language is None or language == values.language


def _was_imported(draft: Draft, activity: NamedNode, triples: Iterable[Triple]) -> bool:
    return Triple(activity, _CHECKSUM, Literal(draft.checksum)) in set(triples)


def _provenance(
    draft: Draft, subject: NamedNode, activity: NamedNode, context: ImportContext
) -> Iterator[Triple]:
    yield Triple(subject, GENERATED, activity)
    yield Triple(activity, TYPE, NamedNode(PG + "Import"))
    for name, value in (
        (PROV + "used", NamedNode(draft.source)),
        (PG + "retrieved", date_literal(context.retrieved)),
        (PROV + "wasAssociatedWith", NamedNode(PG + "importer")),
        (_SOFTWARE_VERSION.value, Literal(context.version)),
        (_CHECKSUM.value, Literal(draft.checksum)),
    ):
        yield Triple(activity, NamedNode(name), value)


@dataclass(frozen=True)
class PageOptions:
    """The identifier, language and URL of a page whose file is not named ID.LANG.txt."""

    identifier: str | None = None
    language: str | None = None
    url: str | None = None


def read_drafts(catalogue: Catalogue, path: Path, options: PageOptions) -> list[Draft]:
    """Parse a page, or a table (CSV, XLSX); raise ImportFailedError with every problem."""
    parser, extension = catalogue.value_parser, path.suffix.lower()
    if extension in table_reader.TABLE_EXTENSIONS:
        return TableParser(parser).parse_file(path)
    if extension in table_reader.REFUSED_EXTENSIONS:
        raise parser.file_error(path, "unsupportedTable")
    identifier, language = _name_parts(path)
    identifier, language = options.identifier or identifier, language or options.language or ""
    if not identifier:
        raise parser.file_error(path, "identifierRequired")
    if language not in catalogue.languages:
        languages = ", ".join(catalogue.languages)
        raise parser.file_error(path, "unknownPageLanguage", languages=languages)
    site = read_source_site(catalogue.store)
    address = options.url or site.page_url(identifier, language)
    if not address:
        raise parser.file_error(path, "sourceRequired")
    return [SourcePageParser(parser, site, path, language).parse(identifier, address)]


def file_changes(
    catalogue: Catalogue,
    drafts: Iterable[Draft],
    context: ImportContext,
    existing: Iterable[Document] = (),
) -> list[FileChange]:
    """Return the change of each entry's file; drafts of one entry are applied in turn.

    Raise ImportFailedError for an entry in a file of several graphs, among those that exist.
    """
    files = {topic: document.path for document in existing for topic in document.topics}
    changes: dict[Path, FileChange] = {}
    for draft in drafts:
        home = catalogue.entry_path(draft.identifier)
        path = files.get(catalogue.entry_iri(draft.identifier), home)
        if path.suffix != documents.TOPIC_SUFFIX:
            places = (values.location for values in draft.values if values.location)
            place = next(places, SourceLocation(path, 1))
            raise catalogue.value_parser.error_at(place, "fileNotWritable", path=path)
        if path not in changes:
            text = path.read_bytes().decode() if path.exists() else ""
            changes[path] = FileChange(path, text, text)
        after = _apply(catalogue, draft, changes[path], context)
        changes[path] = replace(changes[path], after=after)
    return list(changes.values())


def _apply(catalogue: Catalogue, draft: Draft, change: FileChange, context: ImportContext) -> str:
    """Return the text of a file after a draft."""
    text, entry = change.after, catalogue.entry_iri(draft.identifier)
    quads = documents.parse_document(change.path, text.encode()).quads if text else ()
    before = [quad.triple for quad in quads]
    after = apply_draft(draft, NamedNode(entry), before, catalogue.records, context)
    if after == before:
        return text
    return comments.keep_comments(text, catalogue.writer.write(after, entry))


def _name_parts(path: Path) -> tuple[str, str]:
    identifier, *rest = path.name.split(".")
    return (identifier, rest[0]) if len(rest) == 2 else ("", "")
