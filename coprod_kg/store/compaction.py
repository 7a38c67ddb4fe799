"""Compacted copy of the newest version, which queries read once it is there.

A commit leaves small files beside the large ones of the store, and each pattern of a query looks
into all of them: at 10,000 initiatives most took 1.2 to 1.4 times the processor time after one
commit and 1.3 to 1.8 after nine. A store that were compacted itself would leave each version that
is kept with files of its own. So a copy of the newest version alone is compacted, by a process of
low priority, and removed when another version is the newest. It is only for speed: where it cannot
be made, the version is read as it is.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import CoprodError
from coprod_kg.sandbox.child import environment, module
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.supervisor import follow_lifeline

__all__ = ["compact", "compacting", "settling_seconds"]

_LEAST_BYTES: Final = 8 << 20
"""A smaller store is read as quickly as it is."""
_LOOK_SECONDS: Final = 1.0
_SETTLED_SECONDS: Final = 10.0
_REST: Final = 4.0
"""How many times as long as the last copy took to make a version has to stay the newest."""
_PRIORITY: Final = 10
_LIFELINE: Final = 0
"""The child's standard input: a pipe that ends with the parent."""


@contextmanager
def compacting(directory: DataDirectory) -> Iterator[None]:
    """Have the newest version compacted whenever it has not changed for a while."""
    stopping = threading.Event()
    arguments = (directory, stopping)
    thread = threading.Thread(target=_follow, args=arguments, daemon=True, name="compaction")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _follow(directory: DataDirectory, stopping: threading.Event) -> None:
    snapshots = Snapshots(directory.snapshots)
    compacted = newest = -1
    since, took = time.monotonic(), 0.0
    while not stopping.wait(_LOOK_SECONDS):
        with suppress(CoprodError):
            if (current := snapshots.current()) != newest:
                newest, since = current, time.monotonic()
            elif newest != compacted and time.monotonic() - since >= settling_seconds(took):
                began, compacted = time.monotonic(), newest
                _run_child(directory, newest, stopping)
                took = time.monotonic() - began


def settling_seconds(took: float) -> float:
    """How long a version has to stay the newest before a copy of it is made.

    Args:
        took: how many seconds the last copy took; 0 where none was made.
    """
    return max(_SETTLED_SECONDS, _REST * took)


def _run_child(directory: DataDirectory, version: int, stopping: threading.Event) -> None:
    command = module("coprod_kg.store.compaction", str(directory.snapshots), str(version))
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command, stdin=subprocess.PIPE, env=environment(), start_new_session=True, umask=0o077
    ) as child:
        while child.poll() is None:
            if stopping.wait(0.1):
                child.kill()


def compact(snapshots: Snapshots, version: int) -> Path | None:
    """Make the compacted copy of a version.

    Returns:
        Its folder; None where it is not worth it, or the disk has no room for it.

    Raises:
        NotFound: there is no such version yet.
        VersionGone: it is not kept.
        OSError: the copy cannot be written.
    """
    reader = snapshots.open(version)
    making = snapshots.compacted / ".making"
    try:
        target = snapshots.compacted_copy(version)
        size = snapshots.size(version)
        has_room = shutil.disk_usage(snapshots.folder).free > 2 * size
        if target.exists() or size < _LEAST_BYTES or not has_room:
            return None
        snapshots.compacted.mkdir(0o700, exist_ok=True)
        shutil.rmtree(making, ignore_errors=True)  # what a process that was ended left
        reader.store.backup(str(making))
    finally:
        reader.close()
    store = ox.Store(str(making))
    store.optimize()
    store.flush()
    del store  # it holds the lock of the folder
    making.rename(target)
    return target


def main() -> None:
    """Compact the version that the command line names."""
    follow_lifeline(_LIFELINE)
    os.nice(_PRIORITY)
    folder, version = sys.argv[1:]
    with suppress(CoprodError, OSError):
        compact(Snapshots(Path(folder)), int(version))


if __name__ == "__main__":
    main()
