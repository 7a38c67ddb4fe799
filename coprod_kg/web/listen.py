"""The web processes: granian over the application, until the parent leaves; it answers nothing.

granian speaks HTTP and hands each request to a thread of one of its own child processes, which
run `coprod_kg.web.server`.
"""

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from coprod_kg.settings import Settings
from coprod_kg.store.children import follow_lifeline

__all__ = ["main"]

_THREADS = 64
"""Requests that one web process works on at a time; each waits for a query worker or a reader."""
_HEADER_MS = 10_000


def main() -> None:
    """Listen until this process is ended."""
    follow_lifeline()
    settings = Settings.load()
    Granian(
        "coprod_kg.web.server:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=_THREADS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS),
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=5,
    ).serve()


if __name__ == "__main__":
    main()
