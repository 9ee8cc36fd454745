"""The command line: `practicegraph serve`, `check`, `import`, `label`."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import uvicorn
from pyoxigraph import NamedNode

from . import __version__, catalogue, files, folder, importer, locales
from .catalogue import Catalogue, NoCatalogueError
from .checks import Checked
from .files import Change
from .folder import UnreadableError
from .importer import Import
from .loading import SameTopicError
from .locales import UnknownCodeError
from .pages import Pages
from .tables import Tables
from .values import Draft, RefusedError
from .web.app import application

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(exists=True, path_type=Path)
_MISTAKES = (NoCatalogueError, UnreadableError, SameTopicError, RefusedError, UnknownCodeError)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Serve, check and fill a catalogue of practices, a folder of Turtle files."""


@main.command()
@click.argument("root", metavar="[FOLDER]", type=_FOLDER, default=".")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
def serve(root: Path, host: str, port: int) -> None:
    """Serve a catalogue over HTTP; only files that have changed are loaded anew."""
    with _mistakes():
        opened = catalogue.serve(root, _watched)
    click.echo(f"{len(opened.store)} triples, release {opened.release}", err=True)
    uvicorn.run(application(opened), host=host, port=port, log_level="warning", lifespan="off")


@main.command()
@click.argument("paths", metavar="[PATH]...", type=_PATH, nargs=-1)
@click.option("--folder", "root", type=_FOLDER, default=".", help="The catalogue, else this folder.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--lang", help="The language of the messages, such as en or nl.")
def check(paths: tuple[Path, ...], root: Path, form: str, lang: str | None) -> None:
    """Check a catalogue, or files as if they stood in it; exit with 1 on a violation."""
    if len(paths) == 1 and folder.is_catalogue(paths[0]):
        root, paths = paths[0], ()
    given = [path for place in paths for path in folder.below(place)]
    with _mistakes():
        contents = catalogue.read(root, given)
        checked = catalogue.check(root, contents, given or contents.paths, lang)
    if form == "json":
        rows = [asdict(finding) | {"path": str(finding.path)} for finding in checked.findings]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        _show(checked)
        click.echo(checked.summary)
    sys.exit(checked.violations > 0)


@main.command("import")
@click.argument("paths", metavar="FILE...", type=_FILE, nargs=-1, required=True)
@click.option("--folder", "root", type=_FOLDER, default=".", help="The catalogue, else this folder.")
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
    """Read pages of the source (text) and tables (CSV) into entries: all of them or nothing."""
    today = datetime.now(tz=UTC).date()
    made = Import(__version__, retrieved.date() if retrieved else today, today)
    with _mistakes():
        contents = catalogue.read(root)
        for error in contents.unreadable:
            raise error
        opened = catalogue.gather(contents.documents, root)
        drafts = [d for path in paths for d in _drafts(opened, path, identifier, lang, source)]
        changes = [change for change in _changes(opened, drafts, made) if change.needed]
        others = [folder.document(change.path, change.after.encode()) for change in changes]
        wanted = [change.path for change in changes]
        checked = catalogue.check(root, contents.with_others(others), wanted)
    _show(checked)
    if checked.violations:
        raise click.ClickException(opened.say("nothingWritten"))
    if not dry_run:
        files.write(changes)
    _report(opened, drafts, changes, dry_run)


@main.command()
@click.argument("path", metavar="FILE", type=_FILE)
@click.option("--folder", "root", type=_FOLDER, default=".", help="The catalogue, else this folder.")
def label(path: Path, root: Path) -> None:
    """Write the CLDR's names into a scheme of countries or languages, in every language."""
    with _mistakes():
        contents = catalogue.read(root)
        opened = catalogue.gather(contents.documents, root)
        document = folder.read(path)
        triples = [quad.triple for quad in document.quads]
        topic = document.topics[0]
        named = locales.labelled(triples, opened.languages, topic)
        after = opened.writer.write(named, topic)
        change = Change(path, path.read_text(encoding="utf-8"), after)
    files.write([change] if change.needed else [])
    click.echo(opened.say("written" if change.needed else "unchanged", path=path))


def _drafts(
    opened: Catalogue, path: Path, identifier: str | None, lang: str | None, source: str | None
) -> list[Draft]:
    if path.suffix == ".csv":
        return Tables(opened.understanding).read(path)
    named, tag = _named(path)
    identifier, language = identifier or named, lang or tag
    if not identifier:
        raise opened.understanding.refused(path, "noIdentifier")
    if language not in opened.languages:
        known = ", ".join(opened.languages)
        raise opened.understanding.refused(path, "noLanguageOfPage", languages=known)
    address = source or opened.site.address(identifier, language)
    if not address:
        raise opened.understanding.refused(path, "noSourceAddress")
    return [Pages(opened.understanding, opened.site).read(path, identifier, language, address)]


def _named(path: Path) -> tuple[str, str]:
    identifier, *rest = path.name.split(".")
    return (identifier, rest[0]) if len(rest) == 2 else ("", "")


def _changes(opened: Catalogue, drafts: Iterable[Draft], made: Import) -> list[Change]:
    changes: dict[Path, Change] = {}
    for draft in drafts:
        path = opened.path_of(draft.identifier)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = changes[path].after if path in changes else before
        triples = [q.triple for q in folder.document(path, text.encode()).quads] if text else []
        entry = opened.entry(draft.identifier)
        applied = importer.applied(draft, NamedNode(entry), triples, opened.shapes.record, made)
        after = text if applied == triples else opened.writer.write(applied, entry)
        changes[path] = Change(path, before, after)
    return list(changes.values())


def _report(
    opened: Catalogue, drafts: Iterable[Draft], changes: Sequence[Change], dry_run: bool
) -> None:
    changed = {change.path for change in changes}
    for path in dict.fromkeys(opened.path_of(draft.identifier) for draft in drafts):
        if path not in changed:
            click.echo(opened.say("unchanged", path=path))
    for change in changes:
        click.echo(opened.say("wouldWrite" if dry_run else "written", path=change.path))
        if dry_run:
            click.echo("\n".join(change.lines()))


def _show(checked: Checked) -> None:
    for finding in checked.findings:
        click.secho(str(finding), fg="red" if finding.violates else "yellow")


@contextmanager
def _mistakes() -> Iterator[None]:
    """Have a user's mistake said in a line, without a trace."""
    try:
        yield
    except _MISTAKES as error:
        raise click.ClickException(str(error)) from error


def _watched(paths: list[Path]) -> Iterator[Path]:
    with click.progressbar(paths, label="Loading", file=sys.stderr) as bar:
        yield from bar


if __name__ == "__main__":
    main()
