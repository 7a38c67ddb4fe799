"""The processes of a store: its writer and query workers, what each is given, where they meet."""

import math
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from coprod_kg.errors import StoreUnavailable
from coprod_kg.settings import Settings
from coprod_kg.store import in_memory_workers, workers
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.supervisor import Supervisor
from coprod_kg.store.worker_client import RESERVED

__all__ = ["running"]

_START_SECONDS: Final = 600.0
"""What a crash left unfinished in a store of 78,000 initiatives took longer than a minute."""
_TOLD_SECONDS: Final = 10.0
_WRITER: Final = "coprod_kg.publishing.writer"
"""A writer that describes what it commits, which this layer knows nothing of."""


@contextmanager
def running(
    settings: Settings, directory: DataDirectory, run: Path
) -> Iterator[tuple[Supervisor, Mapping[str, str]]]:
    """Run the processes of a store until the context ends.

    Args:
        settings: how many workers, their limits.
        directory: where the data lies; this process holds it.
        run: the runtime directory.

    Returns:
        Who keeps them alive, and the environment of another process that works with them.

    Raises:
        StoreUnavailable: the store cannot be opened.
    """
    (run / "metrics").mkdir()
    environ = _environ(settings, directory, run)
    supervisor = Supervisor(run)
    with ExitStack() as stack:
        try:
            supervisor.keep("writer", _WRITER, environ)
            waiting = stack.enter_context(_listening(run / "query", settings)).fileno()
            count = settings.workers + settings.long_queries
            places = [
                (run / f"lane-{number % settings.workers}", waiting) for number in range(count)
            ]
            if settings.token_queries:
                reserved = stack.enter_context(_listening(run / RESERVED, settings)).fileno()
                # One more than clients are given: for what the service itself asks on behalf
                # of somebody with a token, in the middle of a submission.
                places += [(run / "lane-reserved", reserved)] * (settings.token_queries + 1)
            told = {**environ, **workers.environ(places)}
            supervisor.keep("query", workers.__name__, told, sorted({fd for _, fd in places}))
            if settings.in_memory_percent and not settings.store:
                supervisor.keep("in-memory", in_memory_workers.__name__, environ)
            # An engine may have much to hand over; its requests have deadlines of their own.
            _await_writer(run, supervisor, math.inf if settings.store else _START_SECONDS)
            yield supervisor, environ
        finally:
            supervisor.stop(settings.stop_seconds, first="web")


def _environ(settings: Settings, directory: DataDirectory, run: Path) -> dict[str, str]:
    """The environment variables of each process, beside those of this process."""
    return {
        **settings.environ(),
        "COPROD_DATA": str(directory.root),
        "COPROD_RUN": str(run),
        # where the processes that count requests meet; read when their module is imported
        "PROMETHEUS_MULTIPROC_DIR": str(run / "metrics"),
    }


@contextmanager
def _listening(path: Path, settings: Settings) -> Iterator[socket.socket]:
    """A socket on which query workers wait."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(settings.queue_length)  # the kernel refuses more
        yield listening


def _await_writer(run: Path, supervisor: Supervisor, seconds: float) -> None:
    """Wait until the writer has opened the store, which it says by listening."""
    deadline, told = time.monotonic() + seconds, time.monotonic() + _TOLD_SECONDS
    while time.monotonic() < deadline and not supervisor.fails("writer"):
        if time.monotonic() > told:
            sys.stderr.write("coprod-kg: the store is being opened; much data takes minutes\n")
            told = math.inf
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(run / "writer")) == 0:
                return
        time.sleep(0.01)
    raise StoreUnavailable(
        "the writer did not open the store", fix="What it wrote to the terminal says why."
    )
