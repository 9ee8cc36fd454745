"""The commands that read a catalogue: `check`, `query`, `gaps`, `diff`."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ..catalogue import catalogue, documents, revisions
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import DocumentSet
from ..rdf.syntax_errors import known_prefix
from ..reporting import differences, impact
from ..reporting import gaps as reporting_gaps
from ..reporting.differences import Comparison, State
from ..reporting.gaps import GapReport
from ..schema.text import find_similar
from ..schema.value_parser import InvalidParameterError
from ..storage import query_guard
from ..storage.base import QueryRefusedError
from ..storage.oxigraph import OxigraphStore
from ..validation import checks, reports, triples
from ..validation.findings import ValidationReport
from ..validation.triples import LinkChecker
from .main import PATH, InputError, errors_in_one_line, folder_option, progress

language_option = click.option("--lang", "language", help="The language of words, as en or nl.")


@click.command()
@click.argument("paths", metavar="[PATH]...", type=PATH, nargs=-1)
@folder_option
@click.option("--format", "format_name", type=click.Choice(list(reports.FORMATS)), default="text")
@language_option
@click.option(
    "--against",
    "reference",
    metavar="REF",
    help="A folder, an archive (.zip, .tar.gz) or a git revision; an IRI that it published and "
    "that has vanished since is a violation.",
)
@click.option("--links", "with_links", is_flag=True, help="Request each external link as well.")
def check(
    paths: tuple[Path, ...],
    folder: Path,
    format_name: str,
    language: str | None,
    reference: str | None,
    with_links: bool,
) -> None:
    """Check a catalogue, or files as if they were part of it.

    The exit status is 1 if there is a violation. With --against, stored queries that fail or
    return nothing since are findings too, and the text begins with the impact of the change, as
    that of `diff` does.
    """
    if len(paths) == 1 and documents.is_catalogue(paths[0]):
        folder, paths = paths[0], ()
    files = [file for path in paths for file in documents.list_rdf_files(path)]
    contents = catalogue.read_folder(folder, files)
    link_checker = partial(triples.find_dead_links, progress=progress) if with_links else None
    ignored = [p for p in contents.ignored if any(p.is_relative_to(path) for path in paths)]
    scope = [*files, *ignored] or contents.paths
    if checked := checks.check_syntax(folder, contents, language):
        lines = list[str]()
    elif reference:
        checked, lines = _check_against(reference, folder, contents, scope, language, link_checker)
    else:
        checked, lines = checks.check(folder, contents, scope, language, link_checker), []
    if format_name == "text":
        click.echo("\n".join([*lines, ""]), nl=False)
        print_findings(checked)
        click.echo(checked.summary)
    else:
        click.echo(reports.FORMATS[format_name].write(checked, _prefixes(folder)), nl=False)
    sys.exit(checked.violations > 0)


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.argument("parameters", metavar="[KEY=VALUE]...", nargs=-1)
@folder_option
@click.option(
    "--format", "format_name", type=click.Choice(["csv", "json", "xml", "tsv"]), default="csv"
)
def query(name: str, parameters: tuple[str, ...], folder: Path, format_name: str) -> None:
    """Run a stored query, or a query in a file; graphs are written in Turtle."""
    pairs = [(key, value) for key, _, value in (pair.partition("=") for pair in parameters)]
    opened = catalogue_of(folder)
    if name in opened.stored_queries:
        text = opened.stored_queries[name].bind(pairs, opened.value_parser)
    elif Path(name).is_file():
        text = Path(name).read_text(encoding="utf-8")
    else:
        raise InvalidParameterError(name, None, find_similar(name, opened.stored_queries))
    assert isinstance(opened.store, OxigraphStore)
    try:
        query_guard.check_service_calls(text)
        content = opened.store.results(text, format_name, opened.base)
    except QueryRefusedError as error:
        words = known_prefix(error.words, opened.prefixes)
        reason = opened.phrase(error.hint, **words) if error.hint else str(error)
        place = f"{error.line}:{error.column}: " if error.line else ""
        raise click.ClickException(f"{name}: {place}{reason}") from error
    click.echo(content, nl=False)


@click.command()
@click.argument("name", metavar="[NAME]", default="")
@folder_option
@click.option(
    "--format", "format_name", type=click.Choice(list(reporting_gaps.FORMATS)), default="text"
)
@language_option
def gaps(name: str, folder: Path, format_name: str, language: str | None) -> None:
    """List what is missing or not translated, thin, unused or unconfirmed: all parts, or one."""
    opened = catalogue_of(folder)
    report = GapReport(opened, opened.preferred_languages(language))
    click.echo(reporting_gaps.FORMATS[format_name](report, report.tables(name)), nl=False)


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", default="")
@folder_option
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text")
@language_option
@click.option("--exit-code", "fails", is_flag=True, help="Exit with 1 if anything differs.")
def diff(
    old: str, new: str, folder: Path, format_name: str, language: str | None, fails: bool
) -> None:
    """Compare two states of a catalogue, and list the impact of the change.

    The impact comes first, in text and JSON: counts that change, entries with other values in
    facets, IRIs that move or vanish, stored queries that fail or return nothing, and labels that
    are lost in a language.

    OLD and NEW are folders, archives (.zip, .tar.gz) or git revisions of the catalogue's folder;
    without NEW, OLD is compared with the folder itself. The exit status is 2 if one of them cannot
    be read, else 0; with --exit-code it is 1 if they differ.
    """
    with errors_in_one_line(InputError):
        words = catalogue_of(folder)
        before, after = _state(old, folder), _state(new or str(folder), folder)
        comparison = Comparison(before, after, words.preferred_languages(language))
    changes = comparison.differences()
    impacts = impact.compute_impact(comparison, changes)
    if format_name == "json":
        click.echo(differences.differences_as_json(changes, impacts))
    else:
        lines = [
            *impact.format_impact(comparison, impacts, words.phrases),
            *differences.format_differences(comparison, changes, words.phrases),
        ]
        click.echo("\n".join(lines))
    sys.exit(fails and bool(changes))


def catalogue_of(folder: Path) -> Catalogue:
    """Return the catalogue in a folder, read into memory; raise ClickException."""
    contents = catalogue.read_folder(folder)
    require_readable(contents)
    return catalogue.open_in_memory(contents.documents, folder)


def require_readable(contents: DocumentSet, language: str | None = None) -> None:
    """Raise ClickException with the findings of unreadable files."""
    if report := checks.report_unreadable(contents, language):
        raise click.ClickException("\n".join(map(str, report.findings)))


def print_findings(report: ValidationReport) -> None:
    """Write the findings of a check, violations in red."""
    for finding in report.findings:
        click.secho(str(finding), fg="red" if finding.is_violation else "yellow")


def _check_against(
    reference: str,
    folder: Path,
    contents: DocumentSet,
    scope: Sequence[Path],
    language: str | None,
    link_checker: LinkChecker | None,
) -> tuple[ValidationReport, list[str]]:
    """Check a folder beside an earlier state; return the impact too, line by line."""
    before = _state(reference, folder)
    new = catalogue.open_in_memory(contents.documents, folder)
    comparison = Comparison(
        before, State(contents.documents, new), new.preferred_languages(language)
    )
    impacts = impact.compute_impact(comparison, comparison.differences())
    checker = checks.build_checker(new, language, link_checker)
    lost = impact.findings(impacts, checker.builder, contents.documents)
    others = [*lost, *map(checker.ignored_file, contents.ignored)]
    checked = checker.check(
        contents.documents, contents.unreadable, scope, before.documents, others
    )
    return checked, list(impact.format_impact(comparison, impacts, new.phrases))


def _state(reference: str, folder: Path) -> State:
    earlier = revisions.read_revision(reference, folder)
    return State(earlier, catalogue.open_in_memory(earlier, Path(reference)))


def _prefixes(folder: Path) -> dict[str, str]:
    heads = documents.read_documents(documents.list_files(folder, documents.FOLDERS[:2])).documents
    return {name: iri for document in heads for name, iri in document.prefixes.items()}
