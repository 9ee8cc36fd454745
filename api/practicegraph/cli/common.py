"""What commands share: options, progress bars and errors in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(exists=True, path_type=Path)
_Item = TypeVar("_Item")
_PACKAGE = __name__.partition(".")[0]

folder_option = click.option(
    "--folder", type=FOLDER, default=".", help="The catalogue's folder, by default this one."
)
store_option = click.option(
    "--store",
    metavar="URL",
    envvar="PRACTICEGRAPH_STORE",
    help="The SPARQL endpoint of a store, as http://[NAME:PASSWORD@]HOST/PATH.",
)


class _InputError(click.ClickException):
    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def errors_in_one_line(exit_code: int = 1) -> Iterator[None]:
    """Report a wrong input in one line, without a traceback.

    The exceptions of this package state what is wrong with an input. A fault of the program is an
    assertion or an exception of another package: it passes with its traceback.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != _PACKAGE:
            raise
        raise _InputError(str(error), exit_code) from error


def progress(label: str, items: list[_Item], /) -> Iterator[_Item]:
    """Yield the items as they are worked on, with a progress bar if stderr is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar
