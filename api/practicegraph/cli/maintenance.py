"""The commands that write files: `template`, `import`, `export`, `label`, `token`."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from .. import __version__
from ..application import startup
from ..catalogue import catalogue, comments, documents
from ..catalogue.catalogue import Catalogue
from ..editing.tokens import PERMISSIONS, TokenFile
from ..exchange import export as exchange_export
from ..exchange import importer, table_writer
from ..exchange.export import FORMATS, XLSX, Exporter, canonicalize_store
from ..exchange.importer import ImportContext, PageOptions
from ..schema import vocabularies
from ..schema.value_parser import InvalidParameterError
from ..storage import files
from ..storage.files import FileChange
from ..storage.remote import Endpoint
from ..validation import checks
from .inspection import catalogue_of, language_option, print_findings, require_readable
from .main import FILE, folder_option, progress, store_option

output_option = click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file to write; standard output by default.",
)
kind_option = click.option(
    "--kind", metavar="KIND", help="The kind of records in a table, by default the entries."
)


def _of_kind(opened: Catalogue, kind: str | None) -> Catalogue:
    """Return a catalogue with the records of a kind as its entries."""
    if kind and kind not in opened.shapes.kinds:
        raise InvalidParameterError("--kind", kind, list(opened.shapes.kinds))
    return opened.of_kind(kind) if kind else opened


@click.command()
@folder_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(table_writer.TEMPLATE_FORMATS),
    help="By default as the name of FILE ends.",
)
@kind_option
@language_option
@output_option
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def template(
    folder: Path,
    format_name: str | None,
    kind: str | None,
    language: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write an empty table to fill in and import: XLSX with lists and hints, or CSV.

    The columns of a CSV table are named by the keys of fields, or by their names with --lang.
    """
    opened = _of_kind(catalogue_of(folder), kind)
    form = format_name or table_writer.template_format(output)
    content = table_writer.empty_table(opened, form, language)
    if output and output.exists() and not force:
        raise click.ClickException(opened.phrase("fileExists", path=output))
    if output:
        exchange_export.write_file(output, lambda file: file.write(content))
    else:
        sys.stdout.buffer.write(content)


@click.command("import")
@click.argument("paths", metavar="FILE...", type=FILE, nargs=-1, required=True)
@folder_option
@kind_option
@click.option("--id", "identifier", help="The identifier, if the file is not named ID.LANG.txt.")
@click.option(
    "--lang",
    "language",
    help="The language of messages, as en or nl, and of a page whose name does not have it.",
)
@click.option("--source", help="The address of the page, if it does not follow from the others.")
@click.option("--retrieved", type=click.DateTime(["%Y-%m-%d"]), help="By default today.")
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
def import_(  # noqa: PLR0913, PLR0917 - an option each
    paths: tuple[Path, ...],
    folder: Path,
    kind: str | None,
    identifier: str | None,
    language: str | None,
    source: str | None,
    retrieved: datetime | None,
    dry_run: bool,
) -> None:
    """Import source pages and tables, all or nothing.

    Pages are text; tables are CSV or XLSX, with the columns of `template`.
    """
    today = datetime.now(tz=UTC).date()
    provenance = ImportContext(__version__, retrieved.date() if retrieved else today, today)
    contents = catalogue.read_folder(folder)
    require_readable(contents, language)
    opened = _of_kind(catalogue.open_in_memory(contents.documents, folder), kind)
    languages = opened.preferred_languages(language)
    spoken = replace(opened, shapes=replace(opened.shapes, languages=languages))
    naming = PageOptions(identifier, language, source)
    drafts = [draft for path in paths for draft in importer.read_drafts(spoken, path, naming)]
    changes = importer.file_changes(spoken, drafts, provenance, contents.documents)
    needed = [change for change in changes if change.has_effect]
    others = [documents.parse_document(change.path, change.after.encode()) for change in needed]
    scope = [change.path for change in needed]
    checked = checks.check(folder, contents.with_others(others), scope, language)
    print_findings(checked)
    if checked.violations:
        raise click.ClickException(spoken.phrase("nothingWritten"))
    if not dry_run:
        files.write_changes(needed)
    _print_changes(spoken, changes, dry_run)


@click.command()
@folder_option
@store_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice([*FORMATS, XLSX]),
    help="By default as the name of FILE ends, or nq.",
)
@kind_option
@language_option
@output_option
def export(
    folder: Path,
    store: str | None,
    format_name: str | None,
    kind: str | None,
    language: str | None,
    output: Path | None,
) -> None:
    """Export the whole catalogue to a file, as the service's dumps; FILE may end in .gz.

    A table (csv, xlsx) has the records of one kind, in the columns of `template`, so that it can
    be imported again. --lang is the language of a workbook's words.
    """
    form = format_name or (exchange_export.export_format(output) if output else FORMATS[0])
    if store:
        opened = startup.open_remote_for_reading(folder, Endpoint.from_url(store))
    else:
        opened = startup.open_for_reading(folder, progress)
    with tempfile.TemporaryDirectory() as scratch:
        languages = opened.preferred_languages(language)
        lines = canonicalize_store(opened.store, Path(scratch), progress)
        exported = Exporter(_of_kind(opened, kind), lines, progress, languages)
        if output:
            exported.save(form, output)
        else:
            exported.write(form, sys.stdout.buffer)


@click.command()
@click.argument("path", metavar="FILE", type=FILE)
@folder_option
def label(path: Path, folder: Path) -> None:
    """Write the CLDR's names into a concept scheme of territories or languages."""
    opened = catalogue_of(folder)
    document = documents.read_document(path)
    topic, before = document.topics[0], document.content.decode()
    triples = [quad.triple for quad in document.quads]
    labelled = vocabularies.relabel(triples, opened.languages, topic)
    change = FileChange(
        path, before, comments.keep_comments(before, opened.writer.write(labelled, topic))
    )
    files.write_changes([change] if change.has_effect else [])
    _print_changes(opened, [change], dry_run=False)


@click.command()
@click.argument("name", default="")
@folder_option
@click.option(
    "--right",
    "rights",
    type=click.Choice(PERMISSIONS),
    multiple=True,
    help="A permission of the token; repeatable, by default all.",
)
@click.option("--revoke", is_flag=True, help="Revoke the token of NAME.")
def token(name: str, folder: Path, rights: tuple[str, ...], revoke: bool) -> None:
    """Create, list or revoke bearer tokens.

    A token lets NAME write over HTTP. It is shown once and replaces an earlier one of NAME.
    Without NAME, the names and permissions of all tokens are listed.
    """
    bearers = TokenFile(folder)
    if revoke and not name:
        raise click.UsageError("No name. Give the name whose token is to be revoked.")
    if not name:
        for bearer in bearers.holders():
            click.echo(f"{bearer.name}: {', '.join(bearer.permissions)}")
    elif revoke:
        bearers.revoke(name)
    else:
        click.echo(bearers.add(name, rights or PERMISSIONS))


def _print_changes(opened: Catalogue, changes: Sequence[FileChange], dry_run: bool) -> None:
    done = "wouldWrite" if dry_run else "written"
    for change in changes:
        click.echo(opened.phrase(done if change.has_effect else "unchanged", path=change.path))
        if dry_run and change.has_effect:
            click.echo("\n".join(change.diff()))
