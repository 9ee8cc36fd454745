"""Options, progress bars and one-line errors of all commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from ..errors import CatalogueError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(exists=True, path_type=Path)
_Item = TypeVar("_Item")

folder_option = click.option(
    "--folder", type=FOLDER, default=".", help="The catalogue's folder, by default this one."
)
store_option = click.option(
    "--store",
    metavar="URL",
    envvar="PRACTICEGRAPH_STORE",
    help="The SPARQL endpoint of a store, as http://[NAME:PASSWORD@]HOST/PATH.",
)


class InputError(click.ClickException):
    """A wrong input of a command whose exit status 1 has another meaning."""

    exit_code = 2


@contextmanager
def errors_in_one_line(
    report: type[click.ClickException] = click.ClickException,
) -> Iterator[None]:
    """Report a CatalogueError, which an input has caused, in one line without a traceback."""
    try:
        yield
    except CatalogueError as error:
        raise report(str(error)) from error


def progress(label: str, items: list[_Item], /) -> Iterator[_Item]:
    """Yield the items as they are worked on, with a progress bar if stderr is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar
