"""Claims about the compacted copy of the newest version: the same data, while it is the newest."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coprod_kg.settings import Settings
from coprod_kg.store import compaction, local
from coprod_kg.store.base import Change, Query, Store
from coprod_kg.store.compaction import compact, compacting
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views

ROWS = 'SELECT (COUNT(*) AS ?n) WHERE { GRAPH <urn:g> { ?s <urn:p> ?o } FILTER(STR(?o) != "") }'


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(compaction, "_LEAST_BYTES", 0)
    return Settings(data=tmp_path / "data", workers=1, long_queries=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with local.connect(settings, create=True) as connected:
        yield connected


def snapshots_of(settings: Settings) -> Snapshots:
    return Snapshots(DataDirectory(settings.data.resolve()).snapshots)


def commit(store: Store, count: int) -> int:
    lines = "".join(f'<urn:s{number}> <urn:p> "{number}" .\n' for number in range(count))
    return store.commit(Change(replace={"urn:g": lines.encode()})).version


def counted(store: Store) -> str:
    return store.query(Query(ROWS, ("text/csv",))).read().decode().split()[1]


def files_read(folder: Path) -> bool:
    """Whether some process has a file of a folder open."""
    for process in Path("/proc").glob("[0-9]*"):
        for link in (process / "fd").glob("*") if os.access(process / "fd", os.R_OK) else ():
            try:
                if link.readlink().is_relative_to(folder):
                    return True
            except OSError:
                continue
    return False


def test_a_version_is_read_from_its_compacted_copy_once_it_is_there(
    settings: Settings, store: Store
) -> None:
    snapshots = snapshots_of(settings)
    version = commit(store, 20)
    assert counted(store) == "20"
    copy = compact(snapshots, version)
    assert copy is not None
    assert not files_read(copy)
    assert counted(store) == "20"
    assert files_read(copy)
    assert compact(snapshots, version) is None  # it is there


def test_the_next_version_is_read_as_it_is_and_the_older_copy_goes(
    settings: Settings, store: Store
) -> None:
    snapshots = snapshots_of(settings)
    first = compact(snapshots, commit(store, 20))
    assert first is not None
    assert counted(store) == "20"
    version = commit(store, 30)
    assert counted(store) == "30"
    commit(store, 40)
    assert not first.exists()  # its reader had left it when the last commit tidied up
    assert counted(store) == "40"
    pinned = store.query(Query(ROWS, ("text/csv",), version=version)).read().decode().split()
    assert pinned[1] == "30"


def test_a_version_that_is_made_anew_is_not_read_from_the_copy_of_the_former_one(
    settings: Settings, store: Store
) -> None:
    snapshots = snapshots_of(settings)
    version = commit(store, 20)
    former = compact(snapshots, version)
    assert former is not None
    path = snapshots.folder / str(version)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))  # as one made at another moment has it
    reader = Views(snapshots, settings.base_iri).open(version)
    assert reader.path == path
    reader.close()


def test_what_a_compaction_that_was_ended_left_is_in_no_way(
    settings: Settings, store: Store
) -> None:
    snapshots = snapshots_of(settings)
    version = commit(store, 20)
    (snapshots.compacted / ".making").mkdir(parents=True)
    (snapshots.compacted / ".making" / "CURRENT").write_text("half")
    assert counted(store) == "20"
    commit(store, 30)
    assert compact(snapshots, version + 1) is not None
    assert counted(store) == "30"


def test_a_small_store_is_left_as_it_is(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = commit(store, 20)
    monkeypatch.setattr(compaction, "_LEAST_BYTES", 1 << 30)
    assert compact(snapshots_of(settings), version) is None


def test_the_newest_version_is_compacted_when_it_has_settled(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "_SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(compaction, "_LOOK_SECONDS", 0.05)
    lines = "".join(f'<urn:s{n}> <urn:p> "{os.urandom(200).hex()}" .\n' for n in range(30_000))
    version = store.commit(Change(replace={"urn:g": lines.encode()})).version  # large enough
    snapshots, deadline = snapshots_of(settings), time.monotonic() + 60
    with compacting(DataDirectory(settings.data.resolve())):
        while not snapshots.compacted_copy(version).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert counted(store) == "30000"
    assert files_read(snapshots.compacted_copy(version))
