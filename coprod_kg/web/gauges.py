"""Prometheus gauges: slots, workers, disk space, memory, last backup.

Nothing is counted while requests are answered: each number is looked up when Prometheus scrapes.
"""

import os
import platform
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from coprod_kg import __version__
from coprod_kg.store.backup import last_backup
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.worker_registry import busy
from coprod_kg.web.client_slots import Slots

__all__ = ["Present"]

_KINDS: Final = {
    "coprod_kg.publishing.writer": "writer",
    "coprod_kg.store.workers": "query",
    "coprod_kg.store.in_memory_workers": "in-memory",
    "coprod_kg.server.listen": "web",
    "coprod_kg.queries.runs.child": "freshness",
    "coprod_kg.ingest.child": "check",
}
"""What a process is for, by the module that it runs; its children are for the same."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Present(Collector):
    """Where the numbers are looked up.

    Attributes:
        data: the data directory.
        run: the runtime directory, or None where no other process works.
        admitted: where work is admitted, each kind of it.
    """

    data: Path
    run: Path | None
    admitted: tuple[Slots, ...]

    def collect(self) -> Iterator[Metric]:
        """The gauges as they are now, without those that this operating system does not report."""
        yield InfoMetricFamily(
            "coprod_build",
            "What runs",
            {
                "version": __version__,
                "python": platform.python_version(),
                "engine": version("pyoxigraph"),
            },
        )
        yield from self._work()
        yield from self._disk()
        yield from self._memory()

    def _work(self) -> Iterator[Metric]:
        places = _gauge("coprod_places", "What may run at once", "work", "place")
        running = _gauge("coprod_running", "What runs now", "work", "place")
        waiting = _gauge("coprod_waiting", "What waits for a place", "work")
        for slots in self.admitted:
            limits, (open_to_all, reserved, queue) = slots.limits, slots.numbers()
            places.add_metric((limits.work, "open"), limits.places)
            places.add_metric((limits.work, "token"), limits.reserved)
            # Queries beyond the places are on their way to the workers, and wait for one.
            running.add_metric((limits.work, "open"), min(open_to_all, limits.places))
            running.add_metric((limits.work, "token"), reserved)
            waiting.add_metric((limits.work,), queue + max(0, open_to_all - limits.places))
        yield from (places, running, waiting)
        if self.run is not None:
            taken, there = busy(self.run)
            workers = _gauge("coprod_query_workers", "Query worker processes", "state")
            workers.add_metric(("busy",), taken)
            workers.add_metric(("idle",), there - taken)
            yield workers

    def _disk(self) -> Iterator[Metric]:
        with suppress(OSError):
            disk = os.statvfs(self.data)
            size = _gauge("coprod_disk_size_bytes", "The disk of the data directory")
            size.add_metric((), disk.f_blocks * disk.f_frsize)
            free = _gauge("coprod_disk_free_bytes", "What is free of it for the service")
            free.add_metric((), disk.f_bavail * disk.f_frsize)
            yield from (size, free)
        made = last_backup(DataDirectory(self.data))
        if made is not None:
            last = _gauge("coprod_last_backup_timestamp_seconds", "When the last copy was made")
            last.add_metric((), made.timestamp())
            yield last

    def _memory(self) -> Iterator[Metric]:
        serve = DataDirectory(self.data).holder().get("pid")
        if self.run is None or serve is None:
            return
        memory, processes = defaultdict[str, int](int), defaultdict[str, int](int)
        for kind, resident in _processes(int(serve)):
            memory[kind] += resident
            processes[kind] += 1
        held = _gauge("coprod_memory_bytes", "Resident memory by kind of process", "process")
        number = _gauge("coprod_processes", "Processes by kind", "process")
        for kind, resident in memory.items():
            held.add_metric((kind,), resident)
            number.add_metric((kind,), processes[kind])
        if memory:
            yield from (held, number)


def _gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=labels)


def _processes(top: int) -> Iterator[tuple[str, int]]:
    """The kind and the resident bytes of a process and its descendants, from ``/proc``."""
    parents = dict(_parents())
    kinds = {top: "serve"}
    for pid in parents:
        kind = _kind_of(pid, parents, kinds)
        with suppress(OSError):
            if kind:
                resident = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
                if int(resident):  # an ended child whose parent has not yet asked for it has none
                    yield kind, int(resident) * _PAGE


def _parents() -> Iterator[tuple[int, int]]:
    """Process → parent, for all processes of this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name of the program stands in parentheses, and may hold anything.
            rest = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            yield int(folder.name), int(rest[1])


def _kind_of(pid: int, parents: Mapping[int, int], kinds: dict[int, str]) -> str:
    """The kind of a process of this service; empty for other processes."""
    if pid in kinds:
        return kinds[pid]
    kinds[pid] = ""  # whatever has no parent that is ours
    theirs = _kind_of(parents[pid], parents, kinds) if pid in parents else ""
    if theirs:
        words = b""
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        modules = [kind for module, kind in _KINDS.items() if module.encode() in words.split(b"\0")]
        kinds[pid] = modules[0] if modules else "other" if theirs == "serve" else theirs
    return kinds[pid]
