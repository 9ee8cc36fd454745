"""The commands on a catalogue's store: `serve` and `load`."""

import gc
import logging
import sys
from ipaddress import ip_network
from pathlib import Path

import click
import uvicorn

from ..application import startup
from ..application.background import DumpProcess, FolderHealth, checked_beside
from ..catalogue import catalogue
from ..catalogue.catalogue import Catalogue
from ..editing.editor import EntryEditor
from ..editing.tokens import TokenFile
from ..errors import CatalogueError
from ..exchange.export import DumpFolder
from ..sparql.pool import QueryLimits, WorkerPool
from ..storage import query_guard
from ..storage.query_guard import Host
from ..storage.remote import Endpoint
from ..web.app import application
from ..web.http import responses
from ..web.http.connections import BoundedConnection
from ..web.http.middleware import Network
from .main import FOLDER, folder_option, progress, store_option

_SHUTDOWN_SECONDS = 3  # for responses that are being sent when the server is told to stop
_SWITCH_SECONDS = 0.001  # after which a thread that computes lets the event loop go on


def _parse_host(text: str) -> query_guard.Host:
    """Parse the value of an option; raise BadParameter, the error of usage."""
    try:
        return query_guard.parse_host(text)
    except CatalogueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("folder", metavar="[FOLDER]", type=FOLDER, default=".")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
@click.option(
    "--allow-service",
    "service_hosts",
    metavar="HOST[:PORT]",
    multiple=True,
    type=_parse_host,
    help="A host that queries may call with SERVICE; repeatable, none by default.",
)
@store_option
@click.option(
    "--proxy",
    "proxies",
    type=ip_network,
    multiple=True,
    metavar="ADDRESS",
    help="A proxy, or a network of them, whose X-Forwarded headers are trusted; repeatable.",
)
@click.option(
    "--query-timeout",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    metavar="SECONDS",
    help="The longest timeout= that a client may ask for a query; the default of a query is 10 s.",
)
@click.option("--dumps/--no-dumps", "with_dumps", default=True, help="Whether to write dumps.")
def serve(  # noqa: PLR0913, PLR0917 - an option each
    folder: Path,
    host: str,
    port: int,
    service_hosts: tuple[Host, ...],
    store: str | None,
    proxies: tuple[Network, ...],
    query_timeout: int,
    with_dumps: bool,
) -> None:
    """Serve a catalogue over HTTP.

    Only files that have changed since the last start are loaded. With --store, the entries are
    those of a SPARQL store that `load` has filled.
    """
    if store:
        opened = startup.open_remote_for_serving(folder, Endpoint.from_url(store))
    else:
        opened = startup.open_for_serving(folder, progress)
    condition = FolderHealth.from_catalogue(opened.catalogue)
    editor = None if store else startup.entry_editor(opened)
    release, writers = opened.catalogue.release, _writers(opened.catalogue, editor)
    click.echo(f"release {release}, at http://{host}:{port}, {writers}", err=True)
    assert opened.source
    workers = WorkerPool(opened.source, QueryLimits(max_seconds=query_timeout, hosts=service_hosts))
    dumper = (
        DumpProcess(opened, DumpFolder(folder / catalogue.WORK_FOLDER / "dumps"))
        if with_dumps
        else None
    )
    try:
        app = application(opened, workers, dumper, proxies, editor, condition)
        logging.getLogger("uvicorn.error").addFilter(responses.filter_record)
        _freeze_garbage_collection()
        sys.setswitchinterval(_SWITCH_SECONDS)
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
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
    finally:
        if dumper:
            dumper.close()


def _freeze_garbage_collection() -> None:
    """Exclude the objects of the catalogue from garbage collection.

    They live as long as the service, and a collection of them stops all requests for 0.1 s.
    """
    gc.collect()
    gc.freeze()


def _writers(opened: Catalogue, editor: EntryEditor | None) -> str:
    """Return whose tokens permit writing, or "read-only"."""
    names = [holder.name for holder in TokenFile(opened.folder).holders()] if editor else []
    return f"written by {', '.join(names)}" if names else "read-only"


@click.command()
@folder_option
@store_option
@click.option("--update", default="", help="The address for updates, if it differs.")
def load(folder: Path, store: str | None, update: str) -> None:
    """Load the catalogue into a SPARQL store.

    Only what has changed is sent; a load that was interrupted continues where it stopped.
    """
    if not store:
        raise click.UsageError("No store. Give the address of its endpoint with --store.")
    endpoint = Endpoint.from_url(store, update)
    release = startup.load_store(folder, endpoint, progress)
    click.echo(f"release {release} is in {endpoint.url}")
