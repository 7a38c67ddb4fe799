"""``coprod-kg serve``: the whole service, from one terminal, until it is stopped."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.errors import ModelError, StoreUnavailable, WrongUsage
from coprod_kg.examples import awaits_examples, load_examples, restore_examples
from coprod_kg.publishing.graphs import publish_service
from coprod_kg.queries.lint import faults, files_of
from coprod_kg.server import FILLED
from coprod_kg.settings import Settings, misspelt
from coprod_kg.store.base import Query, Store
from coprod_kg.store.compaction import compacting
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import Service, serving
from coprod_kg.store.supervisor import Supervisor

__all__ = ["serve"]

_START_SECONDS = 60.0
_EXAMPLES_FIRST = (
    "The store is empty: the example data are checked and committed first, which takes some "
    "seconds. With --no-example it stays empty."
)
_EXAMPLES_PREPARED = (
    "The store is empty: the example data that were checked at set-up are put in. With "
    "--no-example it stays empty."
)
_COUNT = """
PREFIX cp: <https://w3id.org/coprod/ontology#>
SELECT (COUNT(DISTINCT ?initiative) AS ?initiatives) WHERE { ?initiative a cp:Initiative }
"""


@click.command(epilog="Example: coprod-kg serve --data /srv/coprod --port 8080")
@setting_options()
@click.option("--no-example", is_flag=True, help="Leave an empty store empty.")
def serve(settings: Settings, *, no_example: bool) -> None:
    """Serve the knowledge graph; Ctrl-C stops it.

    An empty store is filled with the example data first: published initiatives, coded from
    public sources.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    os.umask(0o077)
    for name, meant in misspelt(os.environ).items():
        click.echo(f"coprod-kg: {name} is no setting, and is ignored; {meant} is one", err=True)
    settings = replace(settings, host=_address(settings))
    url = f"http://{_bracketed(settings.host)}:{settings.port}"

    def put_in(directory: DataDirectory) -> None:
        if not no_example and restore_examples(directory, settings):
            click.echo(_EXAMPLES_PREPARED, err=True)

    try:
        with serving(settings, url, put_in) as service:
            _refuse_mistakes(service.store, settings)
            with _web_when_filled(service) as load_web:
                _fill(service.store, settings, load_web, examples=not no_example)
            _await_web(settings, service.supervisor)
            if settings.freshness == "on":
                service.supervisor.keep(
                    "freshness", "coprod_kg.queries.runs.child", service.environ
                )
            click.echo(_welcome(service.store, url))
            with compacting(DataDirectory(settings.data.resolve())):
                threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


@contextmanager
def _web_when_filled(service: Service) -> Iterator[Callable[[], None]]:
    """A function that lets the web processes load; at the end of the context they listen."""
    read_end, write_end = os.pipe()
    environ = {**service.environ, FILLED: str(read_end)}

    def load() -> None:
        service.supervisor.keep("web", "coprod_kg.server.listen", environ, [read_end])

    yield load
    os.close(write_end)


def _fill(
    store: Store, settings: Settings, load_web: Callable[[], None], *, examples: bool
) -> None:
    """Publish the model as it is now, and the example data in a store that awaits them.

    Args:
        store: the store.
        settings: of the service.
        load_web: lets the web processes load. The checks of the examples take every processor and
            their commit one, so that they load beside the commit.
        examples: whether there are to be examples.
    """
    if examples and awaits_examples(store, settings):
        click.echo(_EXAMPLES_FIRST, err=True)
        load_examples(store, settings, load_web)
    else:
        load_web()
        publish_service(store, settings)


def _refuse_mistakes(store: Store, settings: Settings) -> None:
    """Serve no folder of questions and charts in which there is a mistake, rather than half of it.

    Raises:
        ModelError: lists every mistake with file and line.
    """
    mistakes = faults(files_of([settings.queries] if settings.queries else []), store, settings)
    if mistakes:
        lines = "\n".join(map(str, mistakes))
        raise ModelError(
            f"the folder of questions holds {len(mistakes)} mistakes\n{lines}",
            where="setting queries",
            fix="Mend them; coprod-kg check-queries lists what is left.",
        )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _address(settings: Settings) -> str:
    """The numeric address to listen on, tried before anything is started.

    A name that stands for several addresses means the one of IPv4.

    Raises:
        WrongUsage: the port is taken, or the address is none of this machine's.
    """
    try:
        addresses = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        addresses.sort(key=lambda info: info[0] != socket.AF_INET)
        family, kind, protocol, _, address = addresses[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WrongUsage(
            f"nothing can listen on {settings.host} port {settings.port}: {reason}",
            fix="Choose another address with --host or another port with --port.",
        ) from None
    return str(address[0])


def _await_web(settings: Settings, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and not supervisor.fails("web"):
        try:
            with socket.create_connection((settings.host, settings.port), timeout=1.0):
                return
        except OSError:
            time.sleep(0.02)
    raise StoreUnavailable(
        "the web processes did not start", fix="What they wrote to the terminal says why."
    )


def _welcome(store: Store, url: str) -> str:
    answer = store.query(Query(_COUNT, ("text/csv",))).read().decode()
    count = answer.splitlines()[1]
    return (
        f"coprod-kg serves {url}\n"
        f"  version {store.version()} of the data, {count} initiatives\n"
        f"  SPARQL at {url}/sparql, saved queries at {url}/queries\n"
        "  Ctrl-C stops it."
    )
