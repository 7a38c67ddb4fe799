"""Entry point of the HTTP server: granian and its child processes.

granian speaks HTTP and hands each request to one of its own child processes, which run
`coprod_kg.server.app`. Asked to stop, they take no more requests and finish those under way.
They are forks of this process, which loads first what all of them need and shares it with them.
"""

import gc
import os
from importlib import import_module

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from coprod_kg.queries.ask import prepare_all
from coprod_kg.queries.library import load_all, views
from coprod_kg.server import FILLED
from coprod_kg.settings import Settings
from coprod_kg.store.supervisor import follow_lifeline

__all__ = ["main"]

_HEADER_MS = 10_000


def main() -> None:
    """Listen until this process is ended."""
    follow_lifeline()
    settings = Settings.load()
    _load(settings)
    if FILLED in os.environ:
        os.read(int(os.environ[FILLED]), 1)  # returns when its other end is closed
    Granian(
        "coprod_kg.server.app:app",
        address=settings.host,
        port=settings.port,
        # Of granian's interfaces only ASGI shows a client that its answer broke off.
        interface=Interfaces.ASGINL,
        workers=settings.web_workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS),
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=max(1, round(settings.stop_seconds)),
    ).serve()


def _load(settings: Settings) -> None:
    """Load the modules of a web process and vet the saved queries, before it is forked."""
    import_module("coprod_kg.web")
    prepare_all((*load_all(settings.queries).values(), *views().values()), settings)
    gc.collect()
    gc.freeze()  # what is loaded stays where it is: a fork then shares its memory


if __name__ == "__main__":
    main()
