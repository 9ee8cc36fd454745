"""From the files of an import to the changes that they make in the catalogue's files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode

from . import folder, importer, tables
from .catalogue import Catalogue
from .files import Change
from .importer import Import
from .pages import Pages
from .tables import Tables
from .values import Draft


@dataclass(frozen=True)
class Naming:
    """What a user says of a page where its name, ID.LANG.txt, does not say it."""

    identifier: str | None = None
    language: str | None = None
    address: str | None = None


def drafts(opened: Catalogue, path: Path, given: Naming) -> list[Draft]:
    """Read a page, or a table (CSV, XLSX); raises RefusedError with every problem."""
    if path.suffix.lower() in tables.FORMS:
        return Tables(opened.understanding).read(path)
    if path.suffix.lower() in tables.OTHERS:
        raise opened.understanding.refused(path, "otherTable")
    identifier, language = _named(path)
    identifier, language = given.identifier or identifier, given.language or language
    if not identifier:
        raise opened.understanding.refused(path, "noIdentifier")
    if language not in opened.languages:
        known = ", ".join(opened.languages)
        raise opened.understanding.refused(path, "noLanguageOfPage", languages=known)
    address = given.address or opened.site.address(identifier, language)
    if not address:
        raise opened.understanding.refused(path, "noSourceAddress")
    return [Pages(opened.understanding, opened.site).read(path, identifier, language, address)]


def changes(opened: Catalogue, drafted: Iterable[Draft], made: Import) -> list[Change]:
    """Give what becomes of each entry's file; several drafts of one entry come one on another."""
    found: dict[Path, Change] = {}
    for draft in drafted:
        path = opened.path_of(draft.identifier)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = found[path].after if path in found else before
        triples = [q.triple for q in folder.document(path, text.encode()).quads] if text else []
        entry = opened.entry(draft.identifier)
        applied = importer.applied(draft, NamedNode(entry), triples, opened.shapes.record, made)
        after = text if applied == triples else opened.writer.write(applied, entry)
        found[path] = Change(path, before, after)
    return list(found.values())


def _named(path: Path) -> tuple[str, str]:
    identifier, *rest = path.name.split(".")
    return (identifier, rest[0]) if len(rest) == 2 else ("", "")
