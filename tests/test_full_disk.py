"""A disk that fills up: nothing is lost, reading goes on, and the error says so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coprod_kg.errors import StoreFull
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.local import LocalStore, serving

GRAPH = "https://example.org/graph"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 MiB in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can make a disk to fill")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(disk)]
    if subprocess.run(made, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def count(store: LocalStore) -> int:
    text = f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}"
    return int(store.query(Query(text, ("text/csv",))).read().decode().split("\r\n")[1])


def rows(number: int) -> bytes:
    return "".join(f"<urn:{row}> <urn:p> <urn:o> .\n" for row in range(number)).encode()


def test_a_full_disk_refuses_commits_and_loses_nothing(small_disk: Path) -> None:
    settings = Settings.load({"data": small_disk / "data", "workers": 1}, {})
    with serving(settings) as service:
        service.store.commit(Change(replace={GRAPH: rows(100)}))
        version = service.store.version()
        filler = small_disk / "filler"
        free = os.statvfs(small_disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - (20 << 20)))
        with pytest.raises(StoreFull, match="MiB are left"):
            service.store.commit(Change(replace={GRAPH: rows(200)}))
        assert (service.store.version(), count(service.store)) == (version, 100)
        filler.unlink()
        service.store.commit(Change(replace={GRAPH: rows(200)}))
        assert count(service.store) == 200
