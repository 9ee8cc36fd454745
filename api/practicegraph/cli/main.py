"""The command line: `practicegraph serve`, `load`, and what keeps a catalogue and asks of it."""

import gc
import logging
from ipaddress import ip_network
from pathlib import Path

import click
import uvicorn

from .. import __version__
from ..application import startup
from ..application.dump_process import Dumper
from ..application.health import FolderHealth, checked_beside
from ..catalogue import catalogue
from ..catalogue.catalogue import Catalogue
from ..editing.tokens import TokenFile
from ..editing.writer import EntryWriter
from ..exchange.dumps import Dumps
from ..sparql.pool import Limits, Workers
from ..storage import query_guard
from ..storage.query_guard import Host
from ..storage.remote import Endpoint
from ..web.app import application
from ..web.http import responses
from ..web.http.connections import BoundedConnection
from ..web.http.middleware import Network
from . import inspection, maintenance
from .common import FOLDER, at_store, in_folder, mistakes, watched

_PATIENCE = 3  # seconds that running answers get when the server is told to end
_OTHERS = (
    maintenance.check,
    maintenance.template,
    maintenance.import_,
    maintenance.label,
    maintenance.token,
    inspection.query,
    inspection.gaps,
    inspection.diff,
    inspection.export,
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
    type=query_guard.listed,
    help="A host that queries may call with SERVICE; repeatable, none by default.",
)
@at_store
@click.option(
    "--proxy",
    "proxies",
    type=ip_network,
    multiple=True,
    metavar="ADDRESS",
    help="A proxy, or a network of them, that is believed in what it says of a reader's request.",
)
@click.option(
    "--query-timeout",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    metavar="SECONDS",
    help="The most that a reader may give a query by timeout=; without that it has 10 s.",
)
@click.option("--dumps/--no-dumps", "dumped", default=True, help="Whether to make and give dumps.")
def serve(  # noqa: PLR0913, PLR0917 - an option each
    root: Path,
    host: str,
    port: int,
    called: tuple[Host, ...],
    store: str | None,
    proxies: tuple[Network, ...],
    query_timeout: int,
    dumped: bool,
) -> None:
    """Serve a catalogue over HTTP; only files that have changed are loaded anew.

    With --store, the entries are those of a SPARQL store, which `load` has filled.
    """
    with mistakes():
        if store:
            opened = startup.open_remote_for_serving(root, Endpoint.at(store))
        else:
            opened = startup.open_for_serving(root, watched)
    condition = FolderHealth.of(opened.catalogue)
    writing = None if store else startup.entry_writer(opened)
    release, writers = opened.catalogue.release, _written(opened.catalogue, writing)
    click.echo(f"release {release}, at http://{host}:{port}, {writers}", err=True)
    assert opened.source
    workers = Workers(opened.source, Limits(most_seconds=query_timeout, hosts=called))
    dumper = Dumper(opened, Dumps(root / catalogue.WORK_FOLDER / "dumps")) if dumped else None
    try:
        with mistakes():
            app = application(opened, workers, dumper, proxies, writing, condition)
        logging.getLogger("uvicorn.error").addFilter(responses.one_line)
        _spare_what_stays()
        with checked_beside(condition):
            uvicorn.run(
                app,
                host=host,
                port=port,
                http=BoundedConnection,
                timeout_keep_alive=int(BoundedConnection.bounds.idle_seconds),
                log_level="warning",
                access_log=False,
                lifespan="on",
                proxy_headers=False,
                timeout_graceful_shutdown=_PATIENCE,
            )
    finally:
        if dumper:
            dumper.close()


def _spare_what_stays() -> None:
    """Have the garbage collector never again look through what stays as long as the service.

    That takes 0.1 s each time, in which no reader is answered.
    """
    gc.collect()
    gc.freeze()


def _written(opened: Catalogue, writing: EntryWriter | None) -> str:
    """Give who may write: those who have a token, if there are any and the entries are here."""
    with mistakes():
        names = [bearer.name for bearer in TokenFile(opened.folder).all()] if writing else []
    return f"written by {', '.join(names)}" if names else "read-only"


@main.command()
@in_folder
@at_store
@click.option("--update", default="", help="The address for updates, if it is another one.")
def load(root: Path, store: str | None, update: str) -> None:
    """Bring a SPARQL store in step with the folder; goes on where it broke off before."""
    if not store:
        raise click.UsageError("Which store? Give the address of its endpoint with --store.")
    with mistakes():
        endpoint = Endpoint.at(store, update)
        release = startup.load_store(root, endpoint, watched)
    click.echo(f"release {release} is in {endpoint.address}")


for _command in _OTHERS:
    main.add_command(_command)


if __name__ == "__main__":
    main()
