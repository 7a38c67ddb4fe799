"""Supervisor of the in-memory copy: makes it when it is wanted, and has query workers read it.

A copy is wanted when a query took long lately, and made of the newest version once that has stayed
it for a while. This process only looks. It forks one that loads the copy and becomes the parent of
workers (`coprod_kg.store.workers`). They share its memory until they read: the engine counts its
readers beside the data, so a worker comes to hold a copy of its own, and the share of the machine's
memory that is set is divided by all of them. When another version is the newest, or nobody has
wanted the copy for a while, its address is removed, the queries under way end, and the processes
leave, which gives the memory back as a whole.
"""

import math
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import pyoxigraph as ox

from coprod_kg.errors import CoprodError
from coprod_kg.sandbox.limits import machine_memory, no_core_files, resident_memory
from coprod_kg.settings import Settings
from coprod_kg.store import workers
from coprod_kg.store.compaction import settling_seconds
from coprod_kg.store.in_memory import InMemory, address, seconds_since_long_query
from coprod_kg.store.merged import MERGED
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.supervisor import LIFELINE
from coprod_kg.store.views import Views

__all__ = ["CopySupervisor", "load_copy", "main"]

_LOOK_SECONDS: Final = 1.0
_WANTED_SECONDS: Final = 600.0
"""How long a copy is wanted after a query that took long."""
_LEAST_SHARE: Final = 0.4
"""What of the size of its files a version takes in memory at least; 0.55 to 0.8 was measured."""
_GRACE_SECONDS: Final = 5.0
_LOOK_STATEMENTS: Final = 10_000
_PRIORITY: Final = 15
"""As ``nice`` counts: a long query, which has 10, goes before what makes the next quick."""
_REFUSED, _TOO_LARGE = 2, 3
"""The exit statuses of a process that the system refused something, and whose copy does not fit."""


class CopySupervisor:
    """Supervisor of one copy at a time: it makes the copy, and ends it.

    Args:
        run: the runtime directory.
        snapshots: the versions.
        settings: the share of the memory, the number of workers, the deadline of a query.
        lifeline: the descriptor that can be read at its end when the parent has left.
    """

    def __init__(self, run: Path, snapshots: Snapshots, settings: Settings, lifeline: int) -> None:
        self._run = run
        self._snapshots = snapshots
        self._settings = settings
        self._lifeline = lifeline
        # More at a time would be no quicker: what takes long keeps a processor busy.
        self._workers = min(settings.workers, os.cpu_count() or 1)
        self._version = self._pid = 0
        self._held = -1
        self._began = self._took = 0.0
        self._refused = -1
        self._too_large = math.inf

    @property
    def _most_bytes(self) -> int:
        """The memory that the copy may take, in bytes: its workers may come to take as much."""
        share = machine_memory() * self._settings.in_memory_percent // 100
        return share // (1 + self._workers)

    def follow(self) -> None:
        """Make copies and give them up until the parent leaves."""
        try:
            while not _ends_within(self._lifeline, _LOOK_SECONDS):
                with suppress(CoprodError, OSError):  # another look follows
                    self._look()
        finally:
            self._end()

    def _look(self) -> None:
        """Make a copy or give it up, where it is time for that.

        Raises:
            StoreUnavailable: nothing is published yet.
        """
        newest, since = self._snapshots.current(), seconds_since_long_query(self._run)
        is_wanted = since is not None and since < _WANTED_SECONDS
        if not self._pid:
            may_begin = is_wanted and newest != self._refused and self._has_settled()
            if may_begin and self._may_fit(newest):
                self._begin(newest)
        elif self._has_ended():
            self._end()
        elif newest != self._version or not is_wanted:
            if self._remove_address():
                _ends_within(self._lifeline, self._settings.query_seconds + _GRACE_SECONDS)
            self._end()

    def _has_settled(self) -> bool:
        published = os.lstat(self._snapshots.folder / "current").st_mtime
        return time.time() - published >= settling_seconds(self._took)

    def _may_fit(self, version: int) -> bool:
        size = self._snapshots.size(version)
        return _LEAST_SHARE * size <= self._most_bytes and size < self._too_large

    def _has_ended(self) -> bool:
        """Whether the copy's process ended by itself; its version is not tried again then."""
        pid, waited = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return False
        self._pid, self._refused = 0, self._version
        if os.waitstatus_to_exitcode(waited) == _TOO_LARGE:
            self._too_large = self._snapshots.size(self._version)
        return True

    def _begin(self, version: int) -> None:
        alive, self._held = os.pipe()
        self._version, self._began = version, time.time()
        self._pid = os.fork()
        if not self._pid:
            os.close(self._held)
            self._work(version, alive)
        os.close(alive)

    def _remove_address(self) -> bool:
        """Have no more queries come; whether any could have. Notes how long the copy took."""
        place = address(self._run, self._version)
        try:
            self._took = os.stat(place).st_mtime - self._began
            os.unlink(place)
        except FileNotFoundError:
            return False
        return True

    def _end(self) -> None:
        """End the copy's process, and its workers with it."""
        self._remove_address()
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0

    def _work(self, version: int, alive: int) -> NoReturn:
        """The whole life of the process that holds a copy."""
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            views = Views(self._snapshots, self._settings.base_iri)
            store = load_copy(views, version, self._most_bytes, alive)
            if store is None:
                status = _TOO_LARGE
            else:
                self._serve(InMemory(version, store), alive)
                status = 0
        except OSError as error:
            status = _REFUSED
            sys.stderr.write(f"coprod-kg: version {version} is not held in memory: {error}\n")
        finally:
            if status == 1:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(status)

    def _serve(self, copy: InMemory, alive: int) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            place = address(self._run, copy.version)
            listening.bind(f"{place}.unfinished")
            listening.listen(self._workers - 1)  # others go to the workers that read files
            os.rename(f"{place}.unfinished", place)
            places = [
                (self._run / f"lane-memory-{number}", listening.fileno())
                for number in range(self._workers)
            ]
            workers.keep(self._run, places, alive, copy)


def load_copy(views: Views, version: int, most_bytes: int, alive: int) -> ox.Store | None:
    """The merge of a version in memory; None where it takes more than it may.

    A process of its own opens the files: the engine starts threads for that, which no fork has.
    """
    end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(end)
        _write(views, version, write_end)
    os.close(write_end)
    store, most = ox.Store(), resident_memory() + most_bytes
    try:
        with os.fdopen(end, "rb") as lines:
            # The names of blank nodes stay: `load` and `bulk_load` would give others.
            statements = ox.parse(lines, ox.RdfFormat.N_TRIPLES, lenient=True)
            # A thread can give way and its process, which forks workers, keep its priority.
            with ThreadPoolExecutor(1, "load", _lower_priority) as thread:
                thread.submit(store.bulk_extend, _bounded(statements, most, alive)).result()
    except MemoryError:
        return None
    finally:
        _, waited = os.waitpid(pid, 0)
    if status := os.waitstatus_to_exitcode(waited):
        raise OSError(f"the process that read version {version} ended with status {status}")
    return store


def _bounded(statements: Iterable[ox.Quad], most_bytes: int, alive: int) -> Iterator[ox.Quad]:
    """The statements; ends this process where its parent has left.

    Raises:
        MemoryError: what was read already takes more memory than it may.
    """
    for number, statement in enumerate(statements):
        if number % _LOOK_STATEMENTS == 0:
            if resident_memory() > most_bytes:
                raise MemoryError
            if _ends_within(alive, 0):
                os._exit(0)
        yield statement


def _write(views: Views, version: int, descriptor: int) -> NoReturn:
    """Write the merge of a version, and end."""
    status = 1
    try:
        os.nice(_PRIORITY)
        with os.fdopen(descriptor, "wb") as file:
            reader = views.open(version)
            reader.store.dump(file, ox.RdfFormat.N_TRIPLES, from_graph=MERGED)
        status = 0
    finally:  # it did not fit, or the version is not kept any more: who reads tells so
        os._exit(status)


def _lower_priority() -> None:
    """Have this thread give way to queries (Linux only: elsewhere a priority is a process's)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)


def _ends_within(descriptor: int, seconds: float) -> bool:
    """Whether a pipe ends within some seconds; waits as long."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def main() -> None:
    """Keep copies until the parent leaves."""
    no_core_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    snapshots = Snapshots(Path(os.environ["COPROD_DATA"]) / "snapshots")
    run, settings = Path(os.environ["COPROD_RUN"]), Settings.load()
    CopySupervisor(run, snapshots, settings, int(os.environ[LIFELINE])).follow()


if __name__ == "__main__":
    main()
