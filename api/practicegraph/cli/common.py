"""What commands share: options, bars that show how far work is, and mistakes said in a line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from ..catalogue.catalogue import NoCatalogueError, UnknownLanguageError
from ..catalogue.documents import UnreadableError
from ..catalogue.loading import DuplicateGraphError
from ..catalogue.revisions import UnknownRevisionError
from ..editing.tokens import TokenFileError
from ..exchange.export import UnwritableError
from ..exchange.table_format import UnknownFormatError
from ..exchange.table_writer import UnfitError
from ..schema.messages import UnknownCodeError
from ..schema.shapes import ShapesError
from ..schema.value_parser import BadChoiceError, RefusedError
from ..storage.base import QueryRefusedError
from ..storage.remote import StoreError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(exists=True, path_type=Path)
_Item = TypeVar("_Item")
_MISTAKES = (
    TokenFileError,
    NoCatalogueError,
    UnknownLanguageError,
    UnknownRevisionError,
    UnreadableError,
    DuplicateGraphError,
    RefusedError,
    UnknownCodeError,
    QueryRefusedError,
    ShapesError,
    StoreError,
    UnknownFormatError,
    UnwritableError,
    UnfitError,
)

in_folder = click.option(
    "--folder", "root", type=FOLDER, default=".", help="The catalogue, else this folder."
)
at_store = click.option(
    "--store",
    metavar="URL",
    envvar="PRACTICEGRAPH_STORE",
    help="The SPARQL endpoint of a store, as http://[NAME:PASSWORD@]HOST/PATH.",
)


class Trouble(click.ClickException):
    """A mistake for a command whose exit status 1 says something else."""

    exit_code = 2


@contextmanager
def mistakes(said: type[click.ClickException] = click.ClickException) -> Iterator[None]:
    """Have a user's mistake said in a line, without a trace."""
    try:
        yield
    except BadChoiceError as error:
        valid = ", ".join(error.valid)
        given = error.parameter if error.value is None else f"{error.parameter}={error.value}"
        raise said(f"{given}: not known here. What would be right: {valid}") from error
    except _MISTAKES as error:
        raise said(str(error)) from error


def watched(label: str, items: list[_Item], /) -> Iterator[_Item]:
    """Give the items as they are worked on, with a bar where a person looks on."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar
