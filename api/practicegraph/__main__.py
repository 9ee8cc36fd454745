"""The command line: `practicegraph serve`, `check`, `import`, `query`, `export` and others."""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar

import click
import uvicorn

from . import (
    __version__,
    catalogue,
    changesets,
    drafting,
    exports,
    files,
    folder,
    hosts,
    locales,
    revisions,
    sparql,
)
from .canonical import canonical
from .catalogue import Catalogue
from .differences import Comparison, State
from .drafting import Naming
from .dumper import Dumper
from .dumps import Dumps
from .embedded import Embedded
from .endpoint import Endpoint
from .exports import FORMATS, Export
from .files import Change
from .findings import Checked
from .hosts import Host
from .importer import Import
from .search import BadChoiceError
from .terminal import FOLDER, Trouble, in_folder, mistakes
from .text import nearest
from .web import breaks
from .web.app import application
from .web.proxies import Network
from .workers import Limits, Workers

_PATIENCE = 3  # seconds that running answers get when the server is told to end
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PATH = click.Path(exists=True, path_type=Path)
_Item = TypeVar("_Item")


_at_store = click.option(
    "--store",
    metavar="URL",
    envvar="PRACTICEGRAPH_STORE",
    help="The SPARQL endpoint of a store, as http://[NAME:PASSWORD@]HOST/PATH.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Serve, check and fill a catalogue of practices, a folder of Turtle files."""


@main.command()
@click.argument("root", metavar="[FOLDER]", type=FOLDER, default=".")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
@click.option(
    "--allow-service",
    "called",
    metavar="HOST[:PORT]",
    multiple=True,
    type=hosts.listed,
    help="A host that queries may call with SERVICE; repeatable, none by default.",
)
@_at_store
@click.option(
    "--proxy",
    "proxies",
    type=ip_network,
    multiple=True,
    metavar="ADDRESS",
    help="A proxy, or a network of them, that is believed in what it says of a reader's request.",
)
def serve(
    root: Path,
    host: str,
    port: int,
    called: tuple[Host, ...],
    store: str | None,
    proxies: tuple[Network, ...],
) -> None:
    """Serve a catalogue over HTTP; only files that have changed are loaded anew.

    With --store, the entries are those of a SPARQL store, which `load` has filled.
    """
    with mistakes():
        if store:
            opened = catalogue.serve_elsewhere(root, Endpoint.at(store))
        else:
            opened = catalogue.serve(root, _watched)
    said = f"{len(opened.store)} triples, release {opened.release}, at http://{host}:{port}"
    click.echo(said, err=True)
    assert opened.source
    workers = Workers(opened.source, Limits(hosts=called))
    dumper = Dumper(opened, Dumps(root / catalogue.KEPT / "dumps"))
    try:
        app = application(opened, workers, dumper, proxies)
        logging.getLogger("uvicorn.error").addFilter(breaks.one_line)
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_level="warning",
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
    finally:
        dumper.close()
        workers.close()


@main.command()
@in_folder
@_at_store
@click.option("--update", default="", help="The address for updates, if it is another one.")
def load(root: Path, store: str | None, update: str) -> None:
    """Bring a SPARQL store in step with the folder; goes on where it broke off before."""
    if not store:
        raise click.UsageError("Which store? Give the address of its endpoint with --store.")
    with mistakes():
        endpoint = Endpoint.at(store, update)
        release = catalogue.load(root, endpoint, _watched)
    click.echo(f"release {release} is in {endpoint.address}")


@main.command()
@click.argument("paths", metavar="[PATH]...", type=_PATH, nargs=-1)
@in_folder
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--lang", help="The language of the messages, such as en or nl.")
@click.option(
    "--against",
    metavar="REF",
    help="A folder, an archive (.zip, .tar.gz) or a git revision; nothing that it published may "
    "have vanished since.",
)
def check(
    paths: tuple[Path, ...], root: Path, form: str, lang: str | None, against: str | None
) -> None:
    """Check a catalogue, or files as if they stood in it; exit with 1 on a violation."""
    if len(paths) == 1 and folder.is_catalogue(paths[0]):
        root, paths = paths[0], ()
    given = [path for place in paths for path in folder.below(place)]
    with mistakes():
        contents = catalogue.read(root, given)
        before = revisions.documents(against, root) if against else ()
        checked = catalogue.check(root, contents, given or contents.paths, lang, before)
    if form == "json":
        rows = [asdict(finding) | {"path": str(finding.path)} for finding in checked.findings]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        _show(checked)
        click.echo(checked.summary)
    sys.exit(checked.violations > 0)


@main.command("import")
@click.argument("paths", metavar="FILE...", type=_FILE, nargs=-1, required=True)
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
    """Read pages of the source (text) and tables (CSV) into entries: all of them or nothing."""
    today = datetime.now(tz=UTC).date()
    made = Import(__version__, retrieved.date() if retrieved else today, today)
    with mistakes():
        contents = catalogue.read(root)
        for error in contents.unreadable:
            raise error
        opened = catalogue.gather(contents.documents, root)
        given = Naming(identifier, lang, source)
        drafts = [draft for path in paths for draft in drafting.drafts(opened, path, given)]
        changes = drafting.changes(opened, drafts, made)
        needed = [change for change in changes if change.needed]
        others = [folder.document(change.path, change.after.encode()) for change in needed]
        wanted = [change.path for change in needed]
        checked = catalogue.check(root, contents.with_others(others), wanted)
    _show(checked)
    if checked.violations:
        raise click.ClickException(opened.say("nothingWritten"))
    if not dry_run:
        files.write(needed)
    _report(opened, changes, dry_run)


@main.command()
@click.argument("name", metavar="NAME|FILE")
@click.argument("given", metavar="[KEY=VALUE]...", nargs=-1)
@in_folder
@click.option("--format", "form", type=click.Choice(["csv", "json", "xml", "tsv"]), default="csv")
def query(name: str, given: tuple[str, ...], root: Path, form: str) -> None:
    """Ask a stored question by its name, or a query in a file; graphs come in Turtle."""
    pairs = [(key, value) for key, _, value in (pair.partition("=") for pair in given)]
    with mistakes():
        opened = catalogue.gather(catalogue.read(root).documents, root)
        if name in opened.questions:
            text = opened.questions[name].asked(pairs, opened.understanding)
        elif Path(name).is_file():
            text = Path(name).read_text(encoding="utf-8")
        else:
            raise BadChoiceError(name, None, nearest(name, opened.questions))
        sparql.refuse_calls(text)
        assert isinstance(opened.store, Embedded)
        content = opened.store.results(text, form, opened.base)
    click.echo(content, nl=False)


@main.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", default="")
@in_folder
@click.option("--format", "form", type=click.Choice(["text", "json", "turtle"]), default="text")
@click.option("--lang", help="The language of labels and words, such as en or nl.")
@click.option("--exit-code", "judges", is_flag=True, help="End with 1 where anything differs.")
def diff(old: str, new: str, root: Path, form: str, lang: str | None, judges: bool) -> None:
    """Say what differs between two states of a catalogue, field by field.

    OLD and NEW are folders, archives (.zip, .tar.gz) or git revisions of the catalogue's folder;
    without NEW, the folder itself is compared. The exit status is 0, and 2 where one of them
    cannot be read; with --exit-code it is 1 where they differ.
    """
    with mistakes(Trouble):
        words = catalogue.gather(catalogue.read(root).documents, root)
        before, after = _state(old, root), _state(new or str(root), root)
        comparison = Comparison(before, after, words.preferring(lang))
    found = comparison.differences()
    if form == "json":
        click.echo(changesets.as_json(comparison, found))
    elif form == "turtle":
        click.echo(changesets.turtle(comparison, found), nl=False)
    else:
        click.echo("\n".join(changesets.text(comparison, found, words.phrases)))
    sys.exit(judges and bool(found))


@main.command()
@in_folder
@_at_store
@click.option("--format", "form", type=click.Choice(FORMATS), help="Else as FILE ends, or nq.")
@click.option("-o", "path", metavar="FILE", type=click.Path(path_type=Path), help="Else a pipe.")
def export(root: Path, store: str | None, form: str | None, path: Path | None) -> None:
    """Write the whole catalogue, as the service's dumps have it; FILE may end in .gz."""
    with mistakes(), tempfile.TemporaryDirectory() as work:
        form = form or (exports.form_of(path) if path else FORMATS[0])
        if store:
            opened = exports.opened_elsewhere(root, Endpoint.at(store))
        else:
            opened = exports.opened(root, _watched)
        written = Export(opened, canonical(opened.store, Path(work), _watched), _watched)
        if path:
            written.save(form, path)
        else:
            written.write(form, sys.stdout.buffer)


@main.command()
@click.argument("path", metavar="FILE", type=_FILE)
@in_folder
def label(path: Path, root: Path) -> None:
    """Write the CLDR's names into a scheme of countries or languages, in every language."""
    with mistakes():
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


def _state(reference: str, root: Path) -> State:
    documents = revisions.documents(reference, root)
    return State(documents, catalogue.gather(documents, Path(reference)))


def _report(opened: Catalogue, changes: Sequence[Change], dry_run: bool) -> None:
    done = "wouldWrite" if dry_run else "written"
    for change in changes:
        click.echo(opened.say(done if change.needed else "unchanged", path=change.path))
        if dry_run and change.needed:
            click.echo("\n".join(change.lines()))


def _show(checked: Checked) -> None:
    for finding in checked.findings:
        click.secho(str(finding), fg="red" if finding.violates else "yellow")


def _watched(label: str, items: list[_Item], /) -> Iterator[_Item]:
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar


if __name__ == "__main__":
    main()
