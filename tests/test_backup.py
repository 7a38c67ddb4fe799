"""Versions with names, copies, and the way back: tried by restoring."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyoxigraph as ox
import pytest

from coprod_kg.access import Role, Tokens
from coprod_kg.errors import NotFound, StoreError, VersionGone, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.backup import back_up, restore
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.dump import dump
from coprod_kg.store.local import LocalStore, connect, serving
from coprod_kg.store.snapshots import Snapshots

GRAPH = "https://example.org/graph"


def settings_of(data: Path) -> Settings:
    return Settings.load({"data": data, "workers": 1, "keep_versions": 2}, {})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    with serving(settings_of(tmp_path / "data")) as service:
        yield service.store


def put(store: LocalStore, number: int) -> int:
    triple = f"<urn:a> <urn:p> <urn:{number}> .\n".encode()
    return store.commit(Change(replace={GRAPH: triple})).version


def values(store: LocalStore, version: int | None = None) -> str:
    text = f"SELECT ?o WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}"
    return store.query(Query(text, ("text/csv",), version=version)).read().decode()


def test_a_copy_made_while_the_service_runs_comes_back_as_it_was(
    store: LocalStore, tmp_path: Path
) -> None:
    directory, base = DataDirectory(tmp_path / "data"), "https://example.org/"
    version = put(store, 1)
    token = Tokens(directory.root).create("ada", Role.CURATOR)
    (directory.submissions / "abc").write_bytes(b"what was sent")
    assert back_up(directory, base, tmp_path / "copy") == version
    put(store, 2)

    again = DataDirectory(tmp_path / "again")
    assert restore(tmp_path / "copy", again, base) == version
    assert (again.submissions / "abc").read_bytes() == b"what was sent"
    assert Tokens(again.root).grant(token).name == "ada"
    with connect(settings_of(again.root)) as restored:
        assert restored.version() == version
        assert values(restored) == "o\r\nurn:1\r\n"
        assert put(restored, 3) == version + 1


def test_a_copy_that_was_changed_is_not_restored(store: LocalStore, tmp_path: Path) -> None:
    put(store, 1)
    back_up(DataDirectory(tmp_path / "data"), "urn:base/", tmp_path / "copy")
    victim = next((tmp_path / "copy" / "store").glob("*.sst"))
    victim.write_bytes(victim.read_bytes()[:-1])
    again = DataDirectory(tmp_path / "again")
    with pytest.raises(StoreError, match=r"not whole: store/\d+\.sst"):
        restore(tmp_path / "copy", again, "urn:base/")
    assert not again.root.exists()


def test_a_copy_never_overwrites_anything(store: LocalStore, tmp_path: Path) -> None:
    put(store, 1)
    directory = DataDirectory(tmp_path / "data")
    back_up(directory, "urn:base/", tmp_path / "copy")
    with pytest.raises(WrongUsage, match="exists already"):
        back_up(directory, "urn:base/", tmp_path / "copy")
    with pytest.raises(WrongUsage, match="holds a store already"):
        restore(tmp_path / "copy", directory, "urn:base/")
    with pytest.raises(WrongUsage, match="names its data under urn:base/"):
        restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), "urn:other/")
    with pytest.raises(WrongUsage, match="is no backup"):
        restore(tmp_path, DataDirectory(tmp_path / "again"), "urn:base/")


def test_a_version_with_a_name_is_kept(store: LocalStore, tmp_path: Path) -> None:
    snapshots = Snapshots(DataDirectory(tmp_path / "data").snapshots)
    first = put(store, 1)
    snapshots.tag(first, "2026-11")
    for number in range(2, 7):
        put(store, number)
    assert values(store, version=first) == "o\r\nurn:1\r\n"
    with pytest.raises(VersionGone):
        values(store, version=first + 1)
    assert snapshots.tags() == {"2026-11": first}


@pytest.mark.parametrize("name", ["", "../../etc", "a b", "-x", "x" * 61, ".hidden"])
def test_a_version_gets_no_name_that_could_be_a_path(
    store: LocalStore, tmp_path: Path, name: str
) -> None:
    snapshots = Snapshots(DataDirectory(tmp_path / "data").snapshots)
    with pytest.raises(WrongUsage):
        snapshots.tag(store.version(), name)
    assert snapshots.tags() == {}


def test_a_name_is_given_once_and_only_to_what_is_kept(store: LocalStore, tmp_path: Path) -> None:
    snapshots = Snapshots(DataDirectory(tmp_path / "data").snapshots)
    snapshots.tag(put(store, 1), "first")
    with pytest.raises(WrongUsage, match="already"):
        snapshots.tag(store.version(), "first")
    with pytest.raises(NotFound, match="no version 999 yet"):
        snapshots.tag(999, "later")
    for number in range(2, 6):
        put(store, number)
    with pytest.raises(VersionGone, match="version 2 is not kept"):
        snapshots.tag(2, "gone")


@pytest.mark.parametrize(
    ("name", "form"), [("nquads", ox.RdfFormat.N_QUADS), ("trig", ox.RdfFormat.TRIG)]
)
def test_a_dump_holds_every_statement_with_its_graph(
    store: LocalStore, tmp_path: Path, name: str, form: ox.RdfFormat
) -> None:
    put(store, 1)
    file = BytesIO()
    snapshots = Snapshots(DataDirectory(tmp_path / "data").snapshots)
    dump(snapshots.open(snapshots.current()), name, file)
    quads = set(ox.parse(file.getvalue(), form))
    expected = ox.Quad(
        ox.NamedNode("urn:a"), ox.NamedNode("urn:p"), ox.NamedNode("urn:1"), ox.NamedNode(GRAPH)
    )
    assert expected in quads
    assert len(quads) > 1, "the versions' provenance is part of the data"
