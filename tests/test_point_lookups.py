"""A point lookup that is answered at once has the answer of a query worker, to the byte."""

import os
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.errors import NotAcceptable, QuerySyntax
from coprod_kg.queries.ask import near_texts
from coprod_kg.queries.library import SavedQuery, views
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Change, Hidden, Query
from coprod_kg.store.local import LocalStore, Service, serving
from coprod_kg.store.point_lookups import subject
from coprod_kg.store.watcher import Watcher
from tests.memory_store import MemoryStore
from tests.working import happens, query_workers

CP = "https://w3id.org/coprod/ontology#"
THING, OTHER = "http://example.org/id/thing/æ%20b", "http://example.org/id/thing/2"
VALUES = ", ".join(f'"{number:0100}"' for number in range(600))
"""More statements than are counted near a thing, and longer than an answer that is written here."""
TURTLE = f"""
<{THING}> a <urn:Kind> ; <urn:p> "one"@en, "én"@da, 1, 1.0, true, <{OTHER}>, [ <urn:q> 2 ] .
<{OTHER}> <urn:p> <{THING}> ; <urn:q> "a\\nb", "" .
<urn:many> <urn:p> {VALUES} .
<urn:claim> <{CP}about> <{THING}> ; <{CP}basis> <urn:self> ; <urn:p> "said" .
<urn:said-of-many> <{CP}about> <urn:named> ; <urn:p> {VALUES} .
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
    return LocalStore(store._run, store._settings, near_texts(store._settings))


def at_hand(store: LocalStore, query: Query) -> Answer | None:
    while isinstance(found := store.try_point_lookup(query), Future):
        wait([found])
    return found


def read(answer: Answer) -> tuple[str, int, int | None, bytes]:
    return answer.media_type, answer.version, answer.length, answer.read()


NEAR = {name: view for name, view in views().items() if "near" in view.tags}
LOOKED_AT = "urn:a'b#service"
"""A name with which the text is looked at anew, so that it may be spelt otherwise."""
GRAPHS = ("text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml")


def about(
    view: SavedQuery, thing: str, media_types: tuple[str, ...], *, union: bool = True
) -> Query:
    free = replace(view, parameters=tuple(replace(one, scope="") for one in view.parameters))
    endpoint = Endpoint.local(MemoryStore(), Settings(), {})
    return replace(Question(endpoint, free, {"thing": (thing,)}).query(media_types), union=union)


@given(
    st.sampled_from(sorted(NEAR)),
    st.sampled_from((THING, OTHER, "urn:claim", "urn:self", "urn:absent", LOOKED_AT)),
    st.sampled_from((*MEDIA_TYPES, *GRAPHS)),
    st.booleans(),
)
def test_a_view_that_is_at_hand_is_what_a_worker_answers(
    service: Service, lookups: LocalStore, name: str, thing: str, media_type: str, union: bool
) -> None:
    query = about(NEAR[name], thing, (media_type,), union=union)
    found = at_hand(lookups, query)
    if found is None and thing != LOOKED_AT:
        with pytest.raises(NotAcceptable):
            service.store.query(query)
    if found is not None:
        assert read(found) == read(service.store.query(query))


def test_the_queries_of_a_document_are_at_hand() -> None:
    assert {"view-bases-of", "view-document", "view-exists"} <= NEAR.keys()
    assert len(near_texts(Settings())) == len(NEAR)


@pytest.mark.parametrize("name", sorted(NEAR))
def test_what_has_much_near_it_is_left_to_a_worker(lookups: LocalStore, name: str) -> None:
    form = GRAPHS[1:2] if NEAR[name].is_graph else MEDIA_TYPES[:1]
    assert at_hand(lookups, about(NEAR[name], THING, form)) is not None
    for thing in ("urn:many", "urn:named"):
        found = at_hand(lookups, about(NEAR[name], thing, form))
        assert (found is not None) is (name == "view-exists")  # it ends at the first statement


@pytest.mark.parametrize("text", ["<urn:a> <urn:b>", "<urn:a>} # ", "UNDEF", "<a>", "<urn:a/../b>"])
def test_our_own_text_with_another_thing_in_it_is_a_worker_s(
    lookups: LocalStore, text: str
) -> None:
    for before, after in near_texts(Settings()):
        query = Query(f"{before}{text}{after}", (*GRAPHS, *MEDIA_TYPES))
        assert at_hand(lookups, query) is None
        assert at_hand(lookups, replace(query, text=f"{before}<{THING}>{after}")) is not None


TERMS = st.sampled_from([ox.NamedNode(f"urn:{name}") for name in "abcdef"])
VERBS_OF_CLAIMS = st.sampled_from([ox.NamedNode(f"{CP}{name}") for name in ("about", "basis")])


@given(st.lists(st.tuples(TERMS, VERBS_OF_CLAIMS, TERMS), max_size=40))
def test_a_view_that_is_near_reads_nothing_else(drawn: list[tuple[ox.NamedNode, ...]]) -> None:
    """What bounds the time of such a query is the statements that are counted before it is run."""
    whole, near = ox.Store(), ox.Store()
    whole.extend(ox.Quad(*triple) for triple in drawn)
    thing = ox.NamedNode("urn:a")
    referring = {quad.subject for quad in whole.quads_for_pattern(None, None, thing)}
    near.extend(quad for quad in whole if quad.subject in {thing, *referring})
    for view in NEAR.values():
        text = about(view, thing.value, ()).text
        assert told(whole.query(text)) == told(near.query(text))


def told(answer: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples) -> object:
    return bool(answer) if isinstance(answer, ox.QueryBoolean) else Counter(map(str, answer))


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
        ("SELECT ?o { <urn:a> <urn:p> ?o }", "urn:a"),
        ("# a\nPREFIX x: #b\n<urn:>SELECT ?o{x:a a?o}# <c>", "urn:a"),
        ("PREFIX x: <urn:a> PREFIX x: <urn:b> ASK { x:c ?p ?o }", "urn:bc"),
        ("PREFIX x: <urn:> ASK { y:a ?p ?o }", None),
        ("SELECT * { <urn:a> ?p _:b }", None),
        ("SELECT * { _:a ?p ?o }", None),
        ("ASK { <urn:a> a: . }", None),
        ("SELECT * { <urn:a> ?p ?p }", None),
        ("SELECT ?x { <urn:a> ?p ?o }", None),
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
        Query(text.replace(THING, "urn:many"), MEDIA_TYPES[:1]),
        Query(text, MEDIA_TYPES[:1], version=0),
        Query(text, MEDIA_TYPES[:1], default_graphs=("urn:g",)),
        Query(text, MEDIA_TYPES[:1], hidden=Hidden(("urn:g",))),
        Query(text, MEDIA_TYPES[2:]),  # refused, and that is told as everywhere
    ):
        assert at_hand(lookups, other) is None


@pytest.mark.parametrize("iri", ["http://[", "http://a:b/", "http://a/%zz", "http://\ue000/"])
def test_what_is_no_iri_is_told_by_a_worker(
    service: Service, lookups: LocalStore, iri: str
) -> None:
    query = Query(f"SELECT * {{ <{iri}> ?p ?o }}", MEDIA_TYPES[:1])
    assert at_hand(lookups, query) is None
    with pytest.raises(QuerySyntax):
        service.store.query(query)


def test_an_acknowledged_write_is_looked_up(service: Service, lookups: LocalStore) -> None:
    query = Query("SELECT ?o { <urn:new> <urn:p> ?o }", ("text/csv",))
    for number in range(5):
        written = f'<urn:new> <urn:p> "{number}" .'.encode()
        service.store.commit(Change(replace={"urn:new": written}))
        assert lookups.query(query).read().decode().split() == ["o", str(number)]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority on Linux only")
def test_a_thread_that_was_given_a_low_priority_is_known_by_it_alone() -> None:
    watcher = Watcher(lambda: None)
    ends = socket.socketpair()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other, ends[0], ends[1]:
        assert not one.submit(lambda: watcher.has_lowered).result()

        def work() -> bool:
            with watcher.over(ends[0]):
                return happens(lambda: watcher.has_lowered)

        assert one.submit(work).result(), "a query takes long and its thread keeps its priority"
        assert one.submit(lambda: watcher.has_lowered).result()
        assert not other.submit(lambda: watcher.has_lowered).result()


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority on Linux only")
def test_a_long_query_gives_way_and_the_next_of_its_worker_does_not(service: Service) -> None:
    def priorities() -> set[tuple[int, int]]:
        workers = query_workers(service.supervisor)
        threads = [(pid, int(name)) for pid in workers for name in os.listdir(f"/proc/{pid}/task")]
        return {(pid, os.getpriority(os.PRIO_PROCESS, thread)) for pid, thread in threads}

    text = f"""SELECT (COUNT(*) AS ?n) {{
      <urn:many> <urn:p> ?a, ?b . <{THING}> ?p ?o, ?q FILTER(CONCAT(STR(?a), STR(?b)) != "")
    }}"""
    # On a busy machine a query of another test may have taken long, too.
    assert happens(lambda: len({priority for _, priority in priorities()}) == 1)
    before, seen = priorities(), set[tuple[int, int]]()
    with ThreadPoolExecutor() as thread:
        asking = thread.submit(lambda: service.store.query(Query(text, ("text/csv",))).read())
        while not asking.done():
            with suppress(ProcessLookupError, FileNotFoundError):
                seen |= priorities()
    assert asking.result().split() == [b"n", str(600 * 600 * (8 * 8 + 1)).encode()]
    lowered = seen - before
    assert len(lowered) == 1, "one worker has a thread with a priority of its own"

    def as_before() -> bool:
        with suppress(ProcessLookupError, FileNotFoundError):  # a thread has ended meanwhile
            return priorities() == before
        return False

    assert happens(as_before), "a worker kept the low priority"
