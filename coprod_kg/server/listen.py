"""Entry point of the HTTP server: granian and its child processes.

granian speaks HTTP and hands each request to one of its own child processes, which run
`coprod_kg.server.app`. Asked to stop, they take no more requests and finish those under way.
"""

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from coprod_kg.settings import Settings
from coprod_kg.store.supervisor import follow_lifeline

__all__ = ["main"]

_HEADER_MS = 10_000


def main() -> None:
    """Listen until this process is ended."""
    follow_lifeline()
    settings = Settings.load()
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


if __name__ == "__main__":
    main()
