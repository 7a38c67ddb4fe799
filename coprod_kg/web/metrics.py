"""Prometheus counters and histograms, summed over all web processes; no label names a client.

Where ``PROMETHEUS_MULTIPROC_DIR`` is set (`coprod_kg.store.local` sets it), each process keeps its
numbers in a file of that folder, and the one that answers ``/metrics`` adds them up.
"""

import os
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = [
    "CONTENT_TYPE_LATEST",
    "FOLDER",
    "count",
    "exposition",
    "forget_dead",
    "measure",
    "refuse",
    "spooled",
]

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus-client knows its folder by."""

_REQUESTS: Final = Counter(
    "coprod_requests", "Requests answered", ("route", "method", "status", "outcome")
)
_BYTES: Final = Counter("coprod_response_bytes", "Bytes of the bodies of answers", ("route",))
_SECONDS: Final = Histogram(
    "coprod_request_seconds",
    "From the whole request to the last byte handed over",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
_VERSION: Final = Gauge(
    "coprod_dataset_version", "The newest version of the data", multiprocess_mode="max"
)

_REFUSALS: Final = Counter(
    "coprod_refusals",
    "Requests refused, by the limit it was or in a word",
    ("reason",),
)
_SPOOLED: Final = Gauge(
    "coprod_spool_bytes",
    "Disk taken by answers that wait for their readers",
    multiprocess_mode="livesum",
)


def count(route: str, method: str, status: int, outcome: str) -> None:
    """One more request."""
    _requests(route, method, status, outcome).inc()


def measure(route: str, seconds: float, size: int) -> None:
    """How long it took, and how much was sent."""
    _seconds(route).observe(seconds)
    _bytes(route).inc(size)


@cache
def _requests(route: str, method: str, status: int, outcome: str) -> Counter:
    return _REQUESTS.labels(route, method, str(status), outcome)


@cache
def _seconds(route: str) -> Histogram:
    return _SECONDS.labels(route)


@cache
def _bytes(route: str) -> Counter:
    return _BYTES.labels(route)


def refuse(reason: str) -> None:
    """One more request that was refused."""
    _refusals(reason).inc()


@cache
def _refusals(reason: str) -> Counter:
    return _REFUSALS.labels(reason)


def exposition(version: int, present: Collector) -> bytes:
    """All numbers as text.

    Args:
        version: the newest version.
        present: what is as it is now, and not counted.
    """
    _VERSION.set(version)
    now = CollectorRegistry()
    now.register(present)
    if not os.environ.get(FOLDER):
        return generate_latest(REGISTRY) + generate_latest(now)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no types
    return generate_latest(registry) + generate_latest(now)


def spooled(size: int) -> None:
    """How many bytes of answers lie on disk for this process."""
    _SPOOLED.set(size)


def forget_dead() -> None:
    """Remove the gauges of processes that have ended; their counts stay."""
    for file in Path(os.environ.get(FOLDER, "/nonexistent")).glob("gauge_*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _alive(int(pid)):
            mark_process_dead(int(pid))  # type: ignore[no-untyped-call]  # it has no types


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
