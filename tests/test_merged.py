"""The merged graph is the set of all triples that a reader may see, whatever was done to them."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.access import hidden
from coprod_kg.errors import StoreError
from coprod_kg.settings import Settings
from coprod_kg.store import graph_writer, merged, write_ahead
from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY, Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.identity import Identity
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.upgrades import upgrade
from coprod_kg.store.views import Views

BASE = Settings().base_iri
PROVENANCE = f"{BASE}graph/provenance"
GRAPHS = (DEFAULT_GRAPH, "urn:g", "urn:h", f"{BASE}graph/organisation/hidden")


def merge(store: ox.Store) -> set[ox.Triple]:
    quads = store.quads_for_pattern(None, None, None, merged.MERGED)
    found = [quad.triple for quad in quads]
    assert len(found) == len(set(found))
    return set(found)


def everything(store: ox.Store) -> set[ox.Triple]:
    return {quad.triple for quad in store if quad.graph_name != merged.MERGED}


@contextmanager
def durable(data: Path, keep: int = 3) -> Iterator[Durable]:
    directory = DataDirectory(data)
    with directory.locked():
        yield Durable.open(directory, BASE, keep)


def triples(chance: random.Random, *, blank: bool) -> bytes:
    """A few of few, so that graphs share them."""
    subjects = ["<urn:s:0>", "<urn:s:1>", *(["_:a", "_:b"] if blank else [])]
    objects = ["<urn:o>", '"1"', '"_:a"', *(["_:a", "_:c"] if blank else [])]
    lines = (
        f"{chance.choice(subjects)} <urn:p:{chance.randrange(3)}> {chance.choice(objects)} ."
        for _ in range(chance.randrange(8))
    )
    return "".join(f"{line}\n" for line in lines).encode() or chance.choice((b"", EMPTY))


def change(chance: random.Random) -> Change:
    other, *graphs = chance.sample(GRAPHS, k=chance.randrange(1, 4))
    return Change(
        replace={graph: triples(chance, blank=chance.random() < 0.5) for graph in graphs},
        add={other: triples(chance, blank=False).strip()},
        shared_blank_nodes=chance.random() < 0.5,
    )


@pytest.mark.parametrize("seed", range(3))
def test_after_every_commit_the_merge_is_what_the_graphs_hold(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with durable(tmp_path) as store:
        for _ in range(10):
            store.commit([change(chance) for _ in range(chance.randrange(1, 4))])
            assert merge(store.store) == everything(store.store)
            assert merged.is_current(store.store, BASE, store.version())
        published = store.snapshots.open(store.version())
        assert merge(published.store) == everything(published.store)


def test_a_triple_stays_as_long_as_one_graph_holds_it(tmp_path: Path) -> None:
    line = b"<urn:a> <urn:p> <urn:o> .\n"
    shared = ox.Triple(*map(ox.NamedNode, ("urn:a", "urn:p", "urn:o")))
    with durable(tmp_path) as store:
        store.commit([Change({"urn:g": line, "urn:h": line, DEFAULT_GRAPH: line})])
        for graph in ("urn:g", DEFAULT_GRAPH):
            store.commit([Change({graph: b""})])
            assert shared in merge(store.store)
        store.commit([Change({"urn:h": EMPTY})])
        assert shared not in merge(store.store)


def test_a_large_graph_is_merged_in_bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged, "_FEW", 5_000)
    monkeypatch.setattr(graph_writer, "_BULK_BYTES", 500_000)
    lines = "".join(f"<urn:{n}> <urn:p{'p' * 60}> _:b{n} .\n" for n in range(12_000)).encode()
    assert len(lines) > 2 * 500_000
    with durable(tmp_path) as store:
        store.commit([Change({"urn:g": lines})])
        assert merge(store.store) == everything(store.store)
        store.commit([Change({"urn:g": lines[: len(lines) // 2 - 1].rpartition(b"\n")[0]})])
        assert merge(store.store) == everything(store.store)


def new_graphs() -> dict[str, bytes]:
    """Graphs that are large together, and share some of their triples."""
    lines = [f"<urn:{n}> <urn:p{'p' * 60}> <urn:o{n}> .\n" for n in range(20_000)]
    parts = lines[:4_000], lines[3_000:19_000], lines[18_000:]  # the second is large by itself
    return dict(zip(GRAPHS, ("".join(part).encode() for part in parts), strict=False))


TERMS = st.one_of(
    st.text(max_size=12).map(ox.Literal),
    st.sampled_from(['" .\n', "# .", " .", "\\", '\\"', "a\r", "> ."]).map(ox.Literal),
    st.text(max_size=5).map(lambda text: ox.Literal(text, language="en-GB")),
    st.integers().map(ox.Literal),
    st.sampled_from(["urn:o", "urn:#o.", "urn:\u00e6"]).map(ox.NamedNode),
)
BETWEEN = st.sampled_from([" ", "\t", "  "])
ENDS = st.sampled_from([" .\n", ".\n", " . # a comment\n", " . # one that ends .\n", " .\n\n# .\n"])


@given(st.lists(st.tuples(TERMS, BETWEEN, ENDS), max_size=6))
def test_n_triples_become_n_quads_however_they_are_spaced(
    said: list[tuple[ox.Literal | ox.NamedNode, str, str]],
) -> None:
    text = "".join(f"<urn:s>{space}<urn:p>{space}{term}{end}" for term, space, end in said).encode()
    graph = ox.NamedNode("urn:g")
    made = {*ox.parse(graph_writer.quads_of(text, graph), ox.RdfFormat.N_QUADS)}
    assert made == {merged.in_graph(quad, graph) for quad in ox.parse(text, ox.RdfFormat.N_TRIPLES)}


def test_new_graphs_that_are_large_together_are_merged_in_bulk(tmp_path: Path) -> None:
    with durable(tmp_path) as store:
        store.commit([Change({**new_graphs(), GRAPHS[3]: EMPTY})])
        assert merge(store.store) == everything(store.store)
        assert len(merge(store.store)) > 20_000
        assert ox.NamedNode(GRAPHS[3]) in store.store.named_graphs()
        store.commit([Change({"urn:g": b""})])
        assert merge(store.store) == everything(store.store)


def test_a_large_commit_compacts_a_store_that_has_grown(tmp_path: Path) -> None:
    many = [f"<urn:{n}> <urn:p{'p' * 60}> <urn:o{n}> .\n" for n in range(20_000)]
    few, all_of_them = "".join(many[:2_000]).encode(), "".join(many).encode()
    with durable(tmp_path) as store:
        sizes = [store.compacted]
        for graph, lines in (("urn:few", few), ("urn:a", all_of_them), ("urn:b", all_of_them)):
            store.commit([Change({graph: lines})])
            sizes.append(store.compacted)
        assert sizes[1] == sizes[0], "a small commit waits for no compaction"
        assert sizes[2] > sizes[1]
        store.commit([Change({"urn:c": few})])
        assert store.compacted == sizes[3], "nor does one after a compaction"
        assert merge(store.store) == everything(store.store)


@pytest.mark.parametrize("graphs", range(3))
def test_new_graphs_whose_commit_was_broken_off_come_in_whole(tmp_path: Path, graphs: int) -> None:
    with durable(tmp_path) as store:
        store.commit([Change({"urn:other": b"<urn:a> <urn:p> <urn:o> .\n"})])
        write_ahead.write(store.directory.journal, (Change(new_graphs()),))
        for place, (graph, lines) in enumerate(new_graphs().items()):
            parsed = list(ox.parse(lines, ox.RdfFormat.N_TRIPLES))
            store.store.extend(merged.in_graph(quad, merged.MERGED) for quad in parsed)
            if place < graphs:
                half = parsed[: len(parsed) // 2]
                store.store.extend(merged.in_graph(quad, merged.graph_node(graph)) for quad in half)
        store.store.flush()
        del store
    with durable(tmp_path) as again:
        assert merge(again.store) == everything(again.store)
        for graph, lines in new_graphs().items():
            held = again.store.quads_for_pattern(None, None, None, merged.graph_node(graph))
            assert len(list(held)) == lines.count(b"\n")


def test_a_large_graph_in_whose_place_a_small_one_broke_off_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The large one is not compared line by line, and what is left of it after the break is."""
    monkeypatch.setattr(graph_writer, "_COMPARED_BYTES", 100)
    large = "".join(f"<urn:s> <urn:p> <urn:o{n}> .\n" for n in range(20)).encode()
    small = large[: large.index(b"\n") + 1]

    def breaks(*_: object) -> None:
        raise OSError("on purpose")

    with durable(tmp_path) as store:
        store.commit([Change({"urn:g": large})])
        with monkeypatch.context() as broken:
            broken.setattr(merged, "add_to_merge", breaks)
            with pytest.raises(OSError, match="on purpose"):
                store.commit([Change({"urn:g": small})])
        del store
    with durable(tmp_path) as again:
        assert len(merge(again.store)) > 1
        assert merge(again.store) == everything(again.store)


def test_nobody_writes_a_graph_of_the_reserved_name(tmp_path: Path) -> None:
    with durable(tmp_path) as store, pytest.raises(StoreError, match="name of this graph is kept"):
        store.commit([Change({merged.CLIENT_DEFAULT.value: b"<urn:a> <urn:p> <urn:o> .\n"})])


def test_who_does_not_see_a_graph_does_not_see_it_in_the_merge(tmp_path: Path) -> None:
    with durable(tmp_path) as store:
        both, one = b"<urn:a> <urn:p> <urn:o> .\n", b"<urn:b> <urn:p> <urn:o> .\n"
        store.commit([Change({GRAPHS[3]: both + one, "urn:g": both})])
        seen = Views(store.snapshots, BASE).open(None, hidden(("hidden",), BASE)).store
    assert merge(seen) == everything(seen)
    assert {str(one.subject) for one in merge(seen)} >= {"<urn:a>"}
    assert not any(str(one.subject) == "<urn:b>" for one in merge(seen))


def older(data: Path) -> set[ox.Triple]:
    """A directory as releases before the merge left it: what clients wrote by default is there."""
    with durable(data) as store:
        store.commit([Change({"urn:g": b"<urn:a> <urn:p> <urn:o> .\n"})])
        store.commit([Change({DEFAULT_GRAPH: b"<urn:a> <urn:p> _:b .\n", "urn:h": EMPTY})])
        plain, everywhere = store.store, everything(store.store)
        merged.drop_merge(plain)
        plain.flush()
        for version in (1, 2):
            shutil.rmtree(data / "snapshots" / str(version))
            plain.backup(str(data / "snapshots" / str(version)))
    Identity(2, "0" * 8).write(data)
    return everywhere


def test_a_directory_without_the_merge_gets_it_once(tmp_path: Path) -> None:
    everywhere = older(tmp_path)
    [told] = upgrade(DataDirectory(tmp_path), BASE)
    assert told.startswith("The merge of all its graphs")
    assert upgrade(DataDirectory(tmp_path), BASE) == ()
    with durable(tmp_path) as store:
        assert merge(store.store) == everything(store.store) == everywhere
        assert merged.graph_node(DEFAULT_GRAPH) in store.store.named_graphs()
        newest = store.snapshots.open(2)
    assert merge(newest.store) == everywhere
    assert merge(Views(Snapshots(tmp_path / "snapshots"), BASE).open(1).store) == everywhere


@pytest.mark.parametrize("done", range(4))
def test_an_upgrade_that_was_broken_off_begins_again(tmp_path: Path, done: int) -> None:
    everywhere = older(tmp_path)
    store = ox.Store(str(tmp_path / "store"))
    own = [
        merged.in_graph(quad, merged.CLIENT_DEFAULT)
        for quad in store
        if quad.graph_name == merged.MERGED
    ]
    if done > 0:
        store.extend(own)
    if done > 1:
        store.clear_graph(merged.MERGED)
    if done > 2:
        store.extend(merged.in_graph(quad, merged.MERGED) for quad in list(store)[:2])
    store.flush()
    del store
    upgrade(DataDirectory(tmp_path), BASE)
    with durable(tmp_path) as again:
        assert merge(again.store) == everything(again.store) == everywhere


def test_a_merge_of_an_older_version_is_made_anew(tmp_path: Path) -> None:
    with durable(tmp_path) as store:
        store.commit([Change({"urn:g": b"<urn:a> <urn:p> <urn:o> .\n"})])
        for quad in list(store.store.quads_for_pattern(None, None, None, merged.MERGED))[1:]:
            store.store.remove(quad)
        del store
    with durable(tmp_path) as store:
        assert merge(store.store) == everything(store.store)
