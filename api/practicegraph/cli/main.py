"""The group of commands, `practicegraph`; the options, errors and progress bars of all of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import TypeVar

import click

from .. import __version__
from ..errors import CatalogueError

COMMANDS = {
    "serve": ("service:serve", "Serve a catalogue over HTTP."),
    "check": ("inspection:check", "Check a catalogue, or files as if they were part of it."),
    "import": ("maintenance:import_", "Import source pages and tables, all or nothing."),
    "template": ("maintenance:template", "Write an empty table to fill in and import."),
    "export": ("maintenance:export", "Export the whole catalogue to a file."),
    "query": ("inspection:query", "Run a stored query, or a query in a file."),
    "gaps": ("inspection:gaps", "List what is missing or not translated."),
    "diff": ("inspection:diff", "Compare two states of a catalogue, and list the impact."),
    "label": ("maintenance:label", "Write the CLDR's names into a concept scheme."),
    "token": ("maintenance:token", "Create, list or revoke bearer tokens."),
    "load": ("service:load", "Load the catalogue into a SPARQL store."),
}
"""The address of each command, and how its own help begins."""
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


class LazyGroup(click.Group):
    """A group that imports a command when it runs, so that the others cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command = resolve_name(f"{__package__}.{COMMANDS[cmd_name][0]}")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and the help of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; report a wrong input in one line."""
        with errors_in_one_line():
            return super().invoke(ctx)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Serve, check and maintain a linked-data catalogue, a folder of Turtle files."""
