"""SPARQL Update: atomic, under the limits of a query, and a version like any commit."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from coprod_kg.errors import (
    QueryFailed,
    QuerySyntax,
    QueryTimeout,
    QueryTooDeep,
    StoreChanged,
    Unreadable,
)
from coprod_kg.settings import Settings
from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY, Change, Query, Update
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.local import LocalStore, serving

GRAPH = "https://example.org/graph"
SECONDS = 5.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    data = tmp_path_factory.mktemp("data")
    settings = Settings.load({"data": data, "workers": 1, "query_seconds": SECONDS}, {})
    with serving(settings) as service:
        yield service.store
        assert not list((data / "scratch").iterdir()), "an update left its copy behind"


def rows(store: LocalStore, text: str) -> list[str]:
    query = Query(text, ("text/csv",), union=False)
    return store.query(query).read().decode().split("\r\n")[1:-1]


def values(store: LocalStore, graph: str = GRAPH) -> list[str]:
    return rows(store, f"SELECT ?o WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }} ORDER BY ?o")


def test_an_update_is_one_version_and_visible_at_once(store: LocalStore) -> None:
    before = store.version()
    text = f"""INSERT DATA {{ GRAPH <{GRAPH}> {{ <urn:a> <urn:p> 1, 2 }} }} ;
               DELETE DATA {{ GRAPH <{GRAPH}> {{ <urn:a> <urn:p> 2 }} }} ;
               INSERT {{ GRAPH <{GRAPH}> {{ ?s ?p 3 }} }} WHERE {{ GRAPH ?g {{ ?s ?p 1 }} }}"""
    assert store.update(Update(text)).version == before + 1
    assert values(store) == ["1", "3"]


def test_what_belongs_to_an_update_goes_in_with_it(store: LocalStore) -> None:
    provenance = b"<urn:activity> <urn:p> <urn:o> .\n"
    update = Update(
        "INSERT DATA { GRAPH <urn:other> { <urn:a> <urn:p> 1 } }",
        add={"https://example.org/provenance": provenance},
        activity="urn:activity",
    )
    version = store.update(update).version
    asked = f"""SELECT ?activity WHERE {{ GRAPH ?g {{
        ?version <http://www.w3.org/ns/dcat#version> {version} ;
                 <http://www.w3.org/ns/prov#wasGeneratedBy> ?activity }} }}"""
    assert rows(store, asked) == ["urn:activity"]
    assert values(store, "https://example.org/provenance") == ["urn:o"]


def test_a_control_character_of_old_keeps_nothing_else_out_and_can_be_taken_away(
    store: LocalStore,
) -> None:
    odd = b'<urn:a> <urn:p> "a\\u000Bb" .\n'
    store.commit(Change({"urn:old": odd}))
    store.update(Update("INSERT DATA { GRAPH <urn:old> { <urn:a> <urn:p> 'new' } }"))
    with pytest.raises(Unreadable, match=r"U\+000B"):
        store.update(Update(r"INSERT DATA { GRAPH <urn:old> { <urn:b> <urn:p> 'a\u000Bb' } }"))
    store.update(Update(r"DELETE DATA { GRAPH <urn:old> { <urn:a> <urn:p> 'a\u000Bb' } }"))
    assert values(store, "urn:old") == ["new"]


def test_the_default_graph_can_be_written_and_emptied(store: LocalStore) -> None:
    store.update(Update("INSERT DATA { <urn:a> <urn:p> [ <urn:q> 1 ] }"))
    assert rows(store, "SELECT ?o WHERE { ?s <urn:q> ?o }") == ["1"]
    store.update(Update("CLEAR DEFAULT"))
    assert rows(store, "SELECT ?o WHERE { ?s ?p ?o }") == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("INSERT DATA { <urn:a> }", QuerySyntax),
        ("SELECT * WHERE { ?s ?p ?o }", QuerySyntax),
        ("CLEAR GRAPH <urn:none>", QueryFailed),
        ("DELETE { ?s ?p ?o } WHERE {" + "{" * 20_000 + "}" * 20_000 + "}", QueryTooDeep),
    ],
)
def test_an_update_that_fails_changes_nothing(
    store: LocalStore, text: str, error: type[Exception]
) -> None:
    before, there = store.version(), values(store)
    with pytest.raises(error):
        store.update(Update(f"CLEAR SILENT GRAPH <{GRAPH}> ; {text}"))
    assert (store.version(), values(store)) == (before, there)


def test_an_update_without_end_is_stopped_and_others_commit_meanwhile(store: LocalStore) -> None:
    many = "".join(f"<urn:{n}> <urn:p> <urn:{n}> .\n" for n in range(5_000)).encode()
    store.commit(Change(replace={"urn:many": many}))
    hopeless = """INSERT { GRAPH <urn:x> { ?a ?b ?c } } WHERE {
        GRAPH <urn:many> { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i
                           FILTER(STRLEN(CONCAT(STR(?a), STR(?d), STR(?g))) = 1) } }"""
    caught: list[Exception] = []

    def run() -> None:
        try:
            store.update(Update(hopeless))
        except QueryTimeout as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    versions = [store.commit(Change()).version for _ in range(3)]
    assert thread.is_alive(), "the commits waited for the update"
    thread.join()
    assert len(caught) == 1
    assert versions == sorted(set(versions))


def test_updates_that_come_together_are_all_done(store: LocalStore) -> None:
    add = """DELETE {{ GRAPH <urn:count> {{ <urn:c> <urn:n> ?n }} }}
             INSERT {{ GRAPH <urn:count> {{ <urn:c> <urn:n> ?m . <urn:c> <urn:by> {0} }} }}
             WHERE {{ OPTIONAL {{ GRAPH <urn:count> {{ <urn:c> <urn:n> ?n }} }}
                      BIND(COALESCE(?n, 0) + 1 AS ?m) }}"""
    updates = [Update(add.format(number)) for number in range(3)]
    with ThreadPoolExecutor() as pool:
        versions = [commit.version for commit in pool.map(store.update, updates)]
    assert len(set(versions)) == 3
    asked = "SELECT ?n WHERE { GRAPH <urn:count> { <urn:c> <urn:n> ?n } }"
    assert rows(store, asked) == ["3"]


def test_of_two_changes_made_from_one_version_only_one_is_taken(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.locked():
        durable = Durable.open(directory, Settings().base_iri, keep=2)
        one, other = (Change({f"urn:{name}": EMPTY}, base=0) for name in "ab")
        with pytest.raises(StoreChanged, match="from version 0"):
            durable.commit([one, other])
        with pytest.raises(StoreChanged, match="from version 0"):
            durable.commit([Change({"urn:c": EMPTY}), one])
        assert (durable.version(), list(durable.store)) == (0, [])
        assert durable.commit([one, Change({"urn:c": EMPTY})]).version == 1


def test_a_change_is_taken_where_what_it_depends_on_stayed_as_it_was(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.locked():
        durable = Durable.open(directory, Settings().base_iri, keep=2)
        one, other = (
            Change({f"urn:{name}": EMPTY}, base=0, depends_on=(f"urn:{name}",)) for name in "ab"
        )
        assert durable.commit([one, other]).version == 1
        with pytest.raises(StoreChanged, match="from version 0"):
            durable.commit([one])
        with pytest.raises(StoreChanged, match="from version 1"):
            durable.commit([replace(other, base=1), replace(other, base=1)])
        assert durable.commit([replace(other, base=1)]).version == 2
        del durable
        again = Durable.open(directory, Settings().base_iri, keep=2)
        with pytest.raises(StoreChanged, match="from version 1"):
            again.commit([replace(one, base=1)])


def test_a_change_made_from_an_older_version_is_refused(store: LocalStore) -> None:
    base = store.version()
    store.commit(Change())
    with pytest.raises(StoreChanged, match=f"from version {base}"):
        store.commit(Change(replace={DEFAULT_GRAPH: b""}, base=base))
