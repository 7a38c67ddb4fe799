"""Waiting until something is so, however busy the machine is."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import family
from coprod_kg.store.supervisor import Supervisor

__all__ = ["at_work", "happens", "in_memory_processes", "query_workers"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 120.0


def happens(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether a condition becomes true within some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def at_work(supervisor: Supervisor, workers: int = 1, seconds: float = 0.3) -> Iterator[None]:
    """Leave the context when so many workers have used so much processor time in it."""
    before = _used(supervisor)
    yield
    deadline = time.monotonic() + _PATIENCE
    while True:
        used = _used(supervisor)
        if sum(used[pid] - before.get(pid, 0.0) >= seconds for pid in used) >= workers:
            return
        assert time.monotonic() < deadline, "no worker took the query up"
        time.sleep(0.02)


def query_workers(supervisor: Supervisor) -> list[int]:
    """The process numbers of the query workers that run now."""
    parent = supervisor.pids().get("query")
    return family(parent)[1:] if parent else []


def in_memory_processes(supervisor: Supervisor) -> list[int]:
    """The process that holds the newest version in memory, and the workers that read it."""
    watching = supervisor.pids().get("in-memory")
    return family(watching)[1:] if watching else []


def _used(supervisor: Supervisor) -> dict[int, float]:
    """The processor time of each query worker, in seconds, those that read memory among them."""
    found = {}
    for pid in (*query_workers(supervisor), *in_memory_processes(supervisor)):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:  # it has just ended
            continue
        found[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found
