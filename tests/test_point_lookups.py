"""A point lookup that is answered at once has the answer of a query worker, to the byte."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Change, Hidden, Query
from coprod_kg.store.local import LocalStore, Service, serving
from coprod_kg.store.point_lookups import subject
from tests.working import happens

THING, OTHER = "http://example.org/id/thing/æ%20b", "http://example.org/id/thing/2"
TURTLE = f"""
<{THING}> a <urn:Kind> ; <urn:p> "one"@en, "én"@da, 1, 1.0, true, <{OTHER}>, [ <urn:q> 2 ] .
<{OTHER}> <urn:p> <{THING}> ; <urn:q> "a\\nb", "" .
<urn:many> <urn:p> {", ".join(map(str, range(600)))} .
"""
DATA = ox.serialize(ox.parse(TURTLE, ox.RdfFormat.TURTLE), format=ox.RdfFormat.N_TRIPLES)
PROLOGUES = ("", "PREFIX : <http://example.org/id/thing/> ", "prefix x: <urn:>\nPREFIX : <urn:> ")
FORMS = ("SELECT *", "SELECT ?p ?o", "select ?o ?unbound WHERE", "ASK", "SELECT ?o{}#")
SUBJECTS = (f"<{THING}>", f"<{OTHER}>", ":2", "x:many", "<urn:absent>", "<2>", "<http://a/b/../c>")
VERBS = ("?p", "a", "<urn:p>", ":p", "?o")
OBJECTS = ("?o", f"<{OTHER}>", ":2", "?p")
ENDS = ("", " .", " } LIMIT 2 #", " . ?o ?q ?r", "; <urn:q> ?r")
MEDIA_TYPES = ("application/sparql-results+json", "text/csv", "text/turtle")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = Settings(data=tmp_path_factory.mktemp("lookups"), workers=1, long_queries=2)
    with serving(settings) as found:
        found.store.commit(Change(replace={"urn:g": DATA or b"", "urn:h": DATA or b""}))
        yield found


@pytest.fixture(scope="module")
def lookups(service: Service) -> LocalStore:
    store = service.store
    return LocalStore(store._run, store._settings, point_lookups=True)


def at_hand(store: LocalStore, query: Query) -> Answer | None:
    while isinstance(found := store.at_hand(query), Future):
        wait([found])
    return found


def read(answer: Answer) -> tuple[str, int, int | None, bytes]:
    return answer.media_type, answer.version, answer.length, answer.read()


PARTS = (PROLOGUES, FORMS, SUBJECTS, VERBS, OBJECTS, ENDS)


@given(st.tuples(*map(st.sampled_from, PARTS)), st.sampled_from(MEDIA_TYPES), st.booleans())
def test_what_is_at_hand_is_what_a_worker_answers(
    service: Service, lookups: LocalStore, parts: tuple[str, ...], media_type: str, union: bool
) -> None:
    prologue, form, thing, verb, value, end = parts
    text = f"{prologue}{form} {{ {thing} {verb} {value}{end}\n}}"
    query = Query(text, (media_type,), union=union)
    found = at_hand(lookups, query)
    if found is not None:
        assert read(found) == read(service.store.query(query))


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        (f"SELECT ?p ?o WHERE {{ <{THING}> ?p ?o }}", THING),
        (f"ASK {{ <{THING}> a ?o . }}", THING),
        ("PREFIX x: <urn:> SELECT * { x:a x:p ?o } LIMIT 3", "urn:a"),
        ("SELECT * { <urn:a> ?p ?o . ?o ?q ?r }", None),
        ("SELECT * { <urn:a> ?p ?o FILTER(?o) }", None),
        ("SELECT (COUNT(*) AS ?n) { <urn:a> ?p ?o }", None),
        ("SELECT * { <urn:a> ?p+ ?o }", None),
        ("SELECT * { <urn:a> <urn:p>* ?o }", None),
        ("SELECT * FROM <urn:g> { <urn:a> ?p ?o }", None),
        ("SELECT * { GRAPH <urn:a> { ?s ?p ?o } }", None),
        ("SELECT * { ?s ?p <urn:a> }", None),
        ("SELECT * { <a> ?p ?o }", None),
        ("SELECT * { <http://a/b/../c> ?p ?o }", None),
        ("SELECT * { <urn:\\u0061> ?p ?o }", None),
        ("PREFIX SERVICE: <urn:> SELECT * { SERVICE:a ?p ?o }", None),
        ("BASE <urn:> SELECT * { <urn:a> ?p ?o }", None),
        ("SELECT * { <urn:a> ?p ?o } VALUES ?o { 1 }", None),
        ("SELECT * {", None),
        ("", None),
    ],
)
def test_a_point_lookup_is_one_triple_about_one_thing(text: str, thing: str | None) -> None:
    assert subject(text) == thing


def test_what_is_more_than_a_lookup_is_left_to_a_worker(lookups: LocalStore) -> None:
    text = f"SELECT * {{ <{THING}> ?p ?o }}"
    query = Query(text, MEDIA_TYPES[:1])
    assert at_hand(lookups, query) is not None
    assert at_hand(lookups, Query(text, MEDIA_TYPES[:1], version=lookups.version())) is not None
    for other in (
        Query(text.replace(THING, "urn:many"), MEDIA_TYPES[:1]),  # 600 statements
        Query(text, MEDIA_TYPES[:1], version=0),
        Query(text, MEDIA_TYPES[:1], default_graphs=("urn:g",)),
        Query(text, MEDIA_TYPES[:1], hidden=Hidden(("urn:g",))),
        Query(text, MEDIA_TYPES[2:]),  # refused, and that is told as everywhere
    ):
        assert at_hand(lookups, other) is None


def test_an_acknowledged_write_is_looked_up(service: Service, lookups: LocalStore) -> None:
    query = Query("SELECT ?o { <urn:new> <urn:p> ?o }", ("text/csv",))
    for number in range(5):
        written = f'<urn:new> <urn:p> "{number}" .'.encode()
        service.store.commit(Change(replace={"urn:new": written}))
        assert lookups.query(query).read().decode().split() == ["o", str(number)]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority on Linux only")
def test_a_long_query_gives_way_and_the_next_of_its_worker_does_not(service: Service) -> None:
    def priorities() -> set[tuple[int, int]]:
        workers = [pid for name, pid in service.supervisor.pids().items() if "query" in name]
        threads = [(pid, int(name)) for pid in workers for name in os.listdir(f"/proc/{pid}/task")]
        return {(pid, os.getpriority(os.PRIO_PROCESS, thread)) for pid, thread in threads}

    text = f"""SELECT (COUNT(*) AS ?n) {{
      <urn:many> <urn:p> ?a, ?b . <{THING}> ?p ?o, ?q FILTER(CONCAT(STR(?a), STR(?b)) != "")
    }}"""
    before, seen = priorities(), set[tuple[int, int]]()
    with ThreadPoolExecutor() as thread:
        asking = thread.submit(lambda: service.store.query(Query(text, ("text/csv",))).read())
        while not asking.done():
            with suppress(ProcessLookupError, FileNotFoundError):
                seen |= priorities()
    assert asking.result().split() == [b"n", str(600 * 600 * (8 * 8 + 1)).encode()]
    lowered = seen - before
    assert len(lowered) == 1, "one worker has a thread with a priority of its own"
    assert happens(lambda: priorities() == before), "a worker kept the low priority"
