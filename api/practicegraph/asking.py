"""The commands that ask something of a catalogue: `query`, `gaps`, `diff`, `export`."""

import sys
import tempfile
from pathlib import Path

import click

from . import changesets, exports, ledger, opening, revisions, sparql
from .canonical import canonical
from .choices import BadChoiceError
from .differences import Comparison, State
from .embedded import Embedded
from .endpoint import Endpoint
from .exports import FORMATS, SHEET, Export
from .ledger import Ledger
from .terminal import Trouble, at_store, in_folder, mistakes, watched
from .text import nearest


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.argument("given", metavar="[KEY=VALUE]...", nargs=-1)
@in_folder
@click.option("--format", "form", type=click.Choice(["csv", "json", "xml", "tsv"]), default="csv")
def query(name: str, given: tuple[str, ...], root: Path, form: str) -> None:
    """Ask a stored question by its name, or a query in a file; graphs come in Turtle."""
    pairs = [(key, value) for key, _, value in (pair.partition("=") for pair in given)]
    with mistakes():
        opened = opening.gather(opening.read(root).documents, root)
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


@click.command()
@click.argument("name", metavar="[NAME]", default="")
@in_folder
@click.option("--format", "form", type=click.Choice(list(ledger.FORMS)), default="text")
@click.option("--lang", help="The language of labels and words, such as en or nl.")
def gaps(name: str, root: Path, form: str, lang: str | None) -> None:
    """Say what is missing, translated, thin, unused or unconfirmed: all parts, or the one named."""
    with mistakes():
        opened = opening.gather(opening.read(root).documents, root)
        kept = Ledger(opened, opened.preferring(lang))
        content = ledger.FORMS[form](kept, kept.parts(name))
    click.echo(content, nl=False)


@click.command()
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
        words = opening.gather(opening.read(root).documents, root)
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


@click.command()
@in_folder
@at_store
@click.option(
    "--format", "form", type=click.Choice([*FORMATS, SHEET]), help="Else as FILE ends, or nq."
)
@click.option("--lang", help="The language of a workbook's words, such as en or nl.")
@click.option("-o", "path", metavar="FILE", type=click.Path(path_type=Path), help="Else a pipe.")
def export(
    root: Path, store: str | None, form: str | None, lang: str | None, path: Path | None
) -> None:
    """Write the whole catalogue, as the service's dumps have it; FILE may end in .gz.

    A workbook (xlsx) has the entries alone, as `template` lays them out and `import` reads them.
    """
    with mistakes(), tempfile.TemporaryDirectory() as work:
        form = form or (exports.form_of(path) if path else FORMATS[0])
        if store:
            opened = exports.opened_elsewhere(root, Endpoint.at(store))
        else:
            opened = exports.opened(root, watched)
        languages = opened.preferring(lang)
        whole = canonical(opened.store, Path(work), watched)
        written = Export(opened, whole, watched, languages)
        if path:
            written.save(form, path)
        else:
            written.write(form, sys.stdout.buffer)


def _state(reference: str, root: Path) -> State:
    documents = revisions.documents(reference, root)
    return State(documents, opening.gather(documents, Path(reference)))
