"""The commands on a catalogue's store: `serve` and `load`."""

from ipaddress import ip_network
from pathlib import Path

import click
import uvicorn

from ..application import startup
from ..application.background import DumpProcess, FolderHealth, checked_beside
from ..catalogue.catalogue import Catalogue
from ..editing.editor import EntryEditor
from ..editing.tokens import TokenFile
from ..errors import CatalogueError
from ..sparql.pool import QueryLimits, WorkerPool
from ..storage import query_guard
from ..storage.query_guard import Host
from ..storage.remote import Endpoint
from ..web.app import application
from ..web.http.middleware import Network
from .main import FOLDER, folder_option, progress, store_option
from .workers import ServerSettings, WorkerProcesses


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
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="The processes that answer requests; one of them writes.",
)
def serve(  # noqa: PLR0913, PLR0917 - an option each
    folder: Path,
    host: str,
    port: int,
    service_hosts: tuple[Host, ...],
    store: str | None,
    proxies: tuple[Network, ...],
    query_timeout: int,
    with_dumps: bool,
    workers: int,
) -> None:
    """Serve a catalogue over HTTP.

    Only files that have changed since the last start are loaded. With --store, the entries are
    those of a SPARQL store that `load` has filled.
    """
    limits = QueryLimits(max_seconds=query_timeout, hosts=service_hosts)
    settings = ServerSettings(folder, host, port, proxies, limits, with_dumps)
    if workers > 1 and store:
        raise click.UsageError("--workers needs a store of its own, not one that --store names.")
    if store:
        opened = startup.open_remote_for_serving(folder, Endpoint.from_url(store))
    else:
        opened = startup.open_for_serving(folder, progress)
    condition = FolderHealth.from_catalogue(opened.catalogue)
    editor = None if store else startup.entry_editor(opened)
    release, writers = opened.catalogue.release, _writers(opened.catalogue, editor)
    click.echo(f"release {release}, at http://{host}:{port}, {writers}", err=True)
    assert opened.source
    pool = WorkerPool(opened.source, limits)
    dumper = DumpProcess(opened, settings.dump_folder) if with_dumps else None
    try:
        with checked_beside(condition):
            if workers == 1:
                app = application(opened, pool, dumper, proxies, editor, condition)
                settings.prepare()
                uvicorn.run(app, host=host, port=port, **settings.options)
                return
            assert editor
            settings = settings.with_free_port()
            processes = WorkerProcesses(settings, opened, editor.writer, workers - 1)
            app = application(opened, pool, dumper, proxies, editor, condition, processes.running)
            settings.run(app)
    finally:
        if dumper:
            dumper.close()


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
