"""The commands that ask something of a catalogue: `query`, `gaps`, `diff`, `export`."""

import sys
import tempfile
from pathlib import Path

import click

from ..application import startup
from ..catalogue import catalogue, revisions
from ..exchange import export as exchange_export
from ..exchange.export import FORMATS, SHEET, Export, canonical
from ..reporting import differences
from ..reporting import gaps as reporting_gaps
from ..reporting import impact as reporting_impact
from ..reporting.differences import Comparison, State
from ..reporting.gaps import Ledger
from ..schema.text import nearest
from ..schema.value_parser import BadChoiceError
from ..storage import query_guard
from ..storage.oxigraph import Embedded
from ..storage.remote import Endpoint
from .common import Trouble, at_store, in_folder, mistakes, watched


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.argument("given", metavar="[KEY=VALUE]...", nargs=-1)
@in_folder
@click.option("--format", "form", type=click.Choice(["csv", "json", "xml", "tsv"]), default="csv")
def query(name: str, given: tuple[str, ...], root: Path, form: str) -> None:
    """Ask a stored question by its name, or a query in a file; graphs come in Turtle."""
    pairs = [(key, value) for key, _, value in (pair.partition("=") for pair in given)]
    with mistakes():
        opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
        if name in opened.stored_queries:
            text = opened.stored_queries[name].bind(pairs, opened.value_parser)
        elif Path(name).is_file():
            text = Path(name).read_text(encoding="utf-8")
        else:
            raise BadChoiceError(name, None, nearest(name, opened.stored_queries))
        query_guard.refuse_calls(text)
        assert isinstance(opened.store, Embedded)
        content = opened.store.results(text, form, opened.base)
    click.echo(content, nl=False)


@click.command()
@click.argument("name", metavar="[NAME]", default="")
@in_folder
@click.option("--format", "form", type=click.Choice(list(reporting_gaps.FORMS)), default="text")
@click.option("--lang", help="The language of labels and words, such as en or nl.")
def gaps(name: str, root: Path, form: str, lang: str | None) -> None:
    """Say what is missing, translated, thin, unused or unconfirmed: all parts, or the one named."""
    with mistakes():
        opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
        kept = Ledger(opened, opened.preferred_languages(lang))
        content = reporting_gaps.FORMS[form](kept, kept.parts(name))
    click.echo(content, nl=False)


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", default="")
@in_folder
@click.option("--format", "form", type=click.Choice(["text", "json", "turtle"]), default="text")
@click.option("--lang", help="The language of labels and words, such as en or nl.")
@click.option("--exit-code", "judges", is_flag=True, help="End with 1 where anything differs.")
def diff(old: str, new: str, root: Path, form: str, lang: str | None, judges: bool) -> None:
    """Say what a change of a catalogue does, and what differs, field by field.

    First, in words and in JSON: the counts that move, the entries with other values in facets, the
    addresses that lead elsewhere or nowhere, the stored questions that fail or return nothing, and
    the names that are lost in a language.

    OLD and NEW are folders, archives (.zip, .tar.gz) or git revisions of the catalogue's folder;
    without NEW, the folder itself is compared. The exit status is 0, and 2 where one of them
    cannot be read; with --exit-code it is 1 where they differ.
    """
    with mistakes(Trouble):
        words = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
        before, after = _state(old, root), _state(new or str(root), root)
        comparison = Comparison(before, after, words.preferred_languages(lang))
    found = comparison.differences()
    if form == "turtle":
        click.echo(differences.turtle(comparison, found), nl=False)
        sys.exit(judges and bool(found))
    impact = reporting_impact.impact(comparison, found)
    if form == "json":
        click.echo(
            differences.as_json(comparison, found, reporting_impact.as_object(comparison, impact))
        )
    else:
        lines = reporting_impact.text(comparison, impact, words.phrases)
        click.echo("\n".join([*lines, *differences.text(comparison, found, words.phrases)]))
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
        form = form or (exchange_export.form_of(path) if path else FORMATS[0])
        if store:
            opened = startup.open_remote_for_reading(root, Endpoint.at(store))
        else:
            opened = startup.open_for_reading(root, watched)
        languages = opened.preferred_languages(lang)
        whole = canonical(opened.store, Path(work), watched)
        written = Export(opened, whole, watched, languages)
        if path:
            written.save(form, path)
        else:
            written.write(form, sys.stdout.buffer)


def _state(reference: str, root: Path) -> State:
    documents = revisions.read_revision(reference, root)
    return State(documents, catalogue.open_in_memory(documents, Path(reference)))
