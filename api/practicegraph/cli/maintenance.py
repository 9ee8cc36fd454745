"""The commands that keep a catalogue right: `check`, `template`, `import`, `label`, `token`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from .. import __version__
from ..catalogue import catalogue, documents, revisions
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import DocumentSet
from ..editing.tokens import RIGHTS, TokenFile
from ..exchange import export, importer, table_writer
from ..exchange.importer import Import, Naming
from ..reporting import impact
from ..reporting.differences import Comparison, State
from ..schema import messages
from ..storage import files
from ..storage.files import Change
from ..validation import checks, reports, stored_checks
from ..validation.findings import ValidationReport
from ..validation.stored_checks import Fetch
from .common import FILE, PATH, in_folder, mistakes, watched


@click.command()
@click.argument("paths", metavar="[PATH]...", type=PATH, nargs=-1)
@in_folder
@click.option("--format", "form", type=click.Choice(list(reports.FORMATS)), default="text")
@click.option("--lang", help="The language of the messages, such as en or nl.")
@click.option(
    "--against",
    metavar="REF",
    help="A folder, an archive (.zip, .tar.gz) or a git revision; nothing that it published may "
    "have vanished since.",
)
@click.option(
    "--links", "asks", is_flag=True, help="Ask too whether each address elsewhere still answers."
)
def check(
    paths: tuple[Path, ...],
    root: Path,
    form: str,
    lang: str | None,
    against: str | None,
    asks: bool,
) -> None:
    """Check a catalogue, or files as if they stood in it; exit with 1 on a violation.

    With --against, stored questions that fail or return nothing since are findings too, and the
    text begins with what has changed for those who use the catalogue, as that of `diff` does.
    """
    if len(paths) == 1 and documents.is_catalogue(paths[0]):
        root, paths = paths[0], ()
    given = [path for place in paths for path in documents.list_rdf_files(place)]
    with mistakes():
        fetch = partial(stored_checks.find_dead_links, progress=watched) if asks else None
        checked, lines = _checked(root, given, lang, against, fetch)
    if form == "text":
        click.echo("\n".join([*lines, ""]), nl=False)
        _show(checked)
        click.echo(checked.summary)
    else:
        click.echo(reports.FORMATS[form].write(checked, _prefixes(root)), nl=False)
    sys.exit(checked.violations > 0)


@click.command()
@in_folder
@click.option("--format", "form", type=click.Choice(table_writer.FORMS), help="Else as FILE ends.")
@click.option("--lang", help="The language of its words, such as en or nl; CSV has keys without.")
@click.option("-o", "path", metavar="FILE", type=click.Path(path_type=Path), help="Else a pipe.")
@click.option("--force", is_flag=True, help="Write FILE anew where it is there already.")
def template(
    root: Path, form: str | None, lang: str | None, path: Path | None, force: bool
) -> None:
    """Write an empty table to fill in, which `import` reads: XLSX with lists and hints, or CSV."""
    with mistakes():
        opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
        content = table_writer.content(opened, form or table_writer.form_of(path), lang)
        if path and path.exists() and not force:
            raise click.ClickException(opened.say("isThere", path=path))
        if path:
            export.save(path, lambda output: output.write(content))
        else:
            sys.stdout.buffer.write(content)


@click.command("import")
@click.argument("paths", metavar="FILE...", type=FILE, nargs=-1, required=True)
@in_folder
@click.option("--id", "identifier", help="The identifier, if the file is not named ID.LANG.txt.")
@click.option("--lang", help="The language of the page, if the name does not say it.")
@click.option("--source", help="The address of the page, if it does not follow from the others.")
@click.option("--retrieved", type=click.DateTime(["%Y-%m-%d"]), help="Day of reading, else today.")
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
def import_(
    paths: tuple[Path, ...],
    root: Path,
    identifier: str | None,
    lang: str | None,
    source: str | None,
    retrieved: datetime | None,
    dry_run: bool,
) -> None:
    """Read pages of the source (text) and tables (CSV, XLSX) into entries: all or nothing."""
    today = datetime.now(tz=UTC).date()
    made = Import(__version__, retrieved.date() if retrieved else today, today)
    with mistakes():
        contents = catalogue.read_folder(root)
        for error in contents.unreadable:
            raise error
        opened = catalogue.open_in_memory(contents.documents, root)
        given = Naming(identifier, lang, source)
        drafts = [draft for path in paths for draft in importer.drafts(opened, path, given)]
        changes = importer.changes(opened, drafts, made)
        needed = [change for change in changes if change.needed]
        others = [documents.parse_document(change.path, change.after.encode()) for change in needed]
        wanted = [change.path for change in needed]
        checked = checks.check(root, contents.with_others(others), wanted)
    _show(checked)
    if checked.violations:
        raise click.ClickException(opened.say("nothingWritten"))
    if not dry_run:
        files.write(needed)
    _report(opened, changes, dry_run)


@click.command()
@click.argument("path", metavar="FILE", type=FILE)
@in_folder
def label(path: Path, root: Path) -> None:
    """Write the CLDR's names into a scheme of countries or languages, in every language."""
    with mistakes():
        contents = catalogue.read_folder(root)
        opened = catalogue.open_in_memory(contents.documents, root)
        document = documents.read_document(path)
        triples = [quad.triple for quad in document.quads]
        topic = document.topics[0]
        named = messages.labelled(triples, opened.languages, topic)
        after = opened.writer.write(named, topic)
        change = Change(path, path.read_text(encoding="utf-8"), after)
    files.write([change] if change.needed else [])
    click.echo(opened.say("written" if change.needed else "unchanged", path=path))


@click.command()
@click.argument("name", default="")
@in_folder
@click.option(
    "--right",
    "rights",
    type=click.Choice(RIGHTS),
    multiple=True,
    help="What it lets one do; repeatable, else all of it.",
)
@click.option("--revoke", is_flag=True, help="Take the token of NAME back.")
def token(name: str, root: Path, rights: tuple[str, ...], revoke: bool) -> None:
    """Make a token with which NAME may write to the service, and show it this once.

    It takes the place of an earlier one of that name. Without NAME, list who has one.
    """
    bearers = TokenFile(root)
    if revoke and not name:
        raise click.UsageError("Whose token? Give the name.")
    with mistakes():
        if not name:
            for bearer in bearers.all():
                click.echo(f"{bearer.name}: {', '.join(bearer.rights)}")
        elif revoke:
            bearers.remove(name)
        else:
            click.echo(bearers.add(name, rights or RIGHTS))


def _checked_against(
    reference: str,
    root: Path,
    contents: DocumentSet,
    wanted: Sequence[Path],
    language: str | None,
    fetch: Fetch | None,
) -> tuple[ValidationReport, list[str]]:
    """Check what stands in a folder beside an earlier state; give the impact too, line by line."""
    before = revisions.read_revision(reference, root)
    old = State(before, catalogue.open_in_memory(before, Path(reference)))
    new = catalogue.open_in_memory(contents.documents, root)
    state = State(contents.documents, new)
    comparison = Comparison(old, state, new.preferred_languages(language))
    found = impact.impact(comparison, comparison.differences())
    checker = checks.build_checker(new, language, fetch)
    lost = impact.findings(found, checker.reporter, contents.documents)
    checked = checker.check(contents.documents, contents.unreadable, wanted, before, lost)
    return checked, list(impact.text(comparison, found, new.phrases))


def _report(opened: Catalogue, changes: Sequence[Change], dry_run: bool) -> None:
    done = "wouldWrite" if dry_run else "written"
    for change in changes:
        click.echo(opened.say(done if change.needed else "unchanged", path=change.path))
        if dry_run and change.needed:
            click.echo("\n".join(change.lines()))


def _checked(
    root: Path, given: Sequence[Path], lang: str | None, against: str | None, fetch: Fetch | None
) -> tuple[ValidationReport, list[str]]:
    """Check a folder, or files as if they stood in it; give the impact too, line by line."""
    contents = catalogue.read_folder(root, given)
    wanted = given or contents.paths
    if against:
        return _checked_against(against, root, contents, wanted, lang, fetch)
    return checks.check(root, contents, wanted, lang, fetch), []


def _prefixes(root: Path) -> dict[str, str]:
    heads = documents.read_documents(documents.list_files(root, documents.FOLDERS[:2])).documents
    return {name: iri for document in heads for name, iri in document.prefixes.items()}


def _show(checked: ValidationReport) -> None:
    for finding in checked.findings:
        click.secho(str(finding), fg="red" if finding.violates else "yellow")
