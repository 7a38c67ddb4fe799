"""A store that is paired with somebody's engine answers and commits like the embedded one."""

import gc
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from click.testing import CliRunner, Result

from coprod_kg.access import Private
from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.errors import StoreChanged, StoreError, StoreUnavailable, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Hidden, Query
from coprod_kg.store.changes import read_changes
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.identity import Identity
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.store.merged import CLIENT_DEFAULT, MERGED, named_graphs
from coprod_kg.store.remote import control, migration, pair
from coprod_kg.store.remote.answers import EngineAnswers
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.engines import KINDS
from coprod_kg.store.remote.initial_copy import copied
from coprod_kg.store.remote.pair import Pair
from coprod_kg.store.remote.switch import Patch
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.upgrades import upgrade
from tests.engine_servers import NEEDS, Server, running
from tests.test_third_engine import rows as terms

JSON = ("application/sparql-results+json",)
CSV = ("text/csv",)
BLANK = b'<urn:a> <urn:q> _:x .\n_:x <urn:r> "blank" .\n'


def triples(number: int) -> bytes:
    return f'<urn:a> <urn:p> "{number}" .\n<urn:b> <urn:p> "01"^^<{XSD}integer> .\n'.encode()


XSD = "http://www.w3.org/2001/XMLSchema#"


@dataclass
class Machine:
    """One of our machines: its store, the same without the engine, and its processes."""

    store: LocalStore
    settings: Settings
    within: LocalStore
    pids: Callable[[], Mapping[str, int]]

    def by_engine(self, query: Query) -> bytes | None:
        """What the engine answers, if it does."""
        engine = Engine.of(self.settings)
        assert engine is not None
        answer = EngineAnswers(engine, 30, self.settings.base_iri).answer(
            query, self.store.version()
        )
        return answer.read() if answer else None


def settings_of(server: "Server | Halving", data: Path) -> Settings:
    given = {"data": data, "store": server.url, "store_engine": server.kind}
    return Settings.load({**given, "workers": 1, "long_queries": 0, "token_queries": 0}, {})


def paired(server: Server, data: Path) -> "Paired":
    return Paired(settings_of(server, data))


class Paired:
    """The processes of a machine, as long as the context lasts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._serving = serving(settings)

    def __enter__(self) -> Machine:
        service = self._serving.__enter__()
        alone = replace(self._settings, store="")
        run = Path(service.environ["COPROD_RUN"])
        pids = service.supervisor.pids
        return Machine(service.store, self._settings, LocalStore(run, alone), pids)

    def __exit__(self, *_: object) -> None:
        self._serving.__exit__(None, None, None)


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], None],
) -> Iterator[Server]:
    require(NEEDS[request.param])
    with running(request.param, tmp_path_factory.mktemp("engine")) as started:
        yield started


ON_OXIGRAPH = pytest.mark.parametrize(
    "server",
    ["oxigraph", pytest.param("fuseki", marks=pytest.mark.whole)],
    indirect=True,
    scope="module",
)
"""Where an engine takes part only by being there; Fuseki takes a quarter of a second to write."""


@pytest.fixture
def fresh(server: Server) -> Server:
    """The engine with nothing in it; nobody else uses it meanwhile."""
    engine = Engine.of(settings_of(server, Path()))
    assert engine is not None
    engine.update("DROP ALL")
    return server


@pytest.fixture(scope="module")
def machine(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that holds some triples, blank nodes among them, and a default graph."""
    with paired(server, tmp_path_factory.mktemp("machine") / "data") as started:
        started.store.commit(Change({"urn:g:1": BLANK, "urn:g:gone": BLANK}))
        started.store.commit(Change({"urn:g:gone": b"", "": b'<urn:a> <urn:p> "unnamed" .\n'}))
        started.store.commit(Change({"urn:g:1": BLANK + triples(1)}, {"urn:g:2": triples(1)}))
        yield started


def rows(answer: bytes | None) -> list[tuple[str, ...]]:
    assert answer is not None, "the engine left it to the snapshots"
    return terms(ox.parse_query_results(answer, ox.QueryResultsFormat.JSON))


@pytest.mark.parametrize(
    "query",
    [
        Query("SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g", CSV),
        Query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", CSV),
        Query("SELECT ?v { <urn:a> <urn:q> ?x . ?x <urn:r> ?v }", ("text/tab-separated-values",)),
        Query("SELECT ?o { ?s <urn:p> ?o } ORDER BY ?o", CSV, union=False),
        Query("SELECT ?o { <urn:b> <urn:p> ?o }", JSON),
        Query("ASK { <urn:a> <urn:p> '1' }", JSON),
        Query("CONSTRUCT { ?s <urn:new> ?o } { ?s <urn:p> ?o }", ("application/n-triples",)),
        Query(
            "SELECT ?g { GRAPH ?g { <urn:a> ?p ?o } }", CSV, excluded_graphs=("urn:g:1", "urn:g:2")
        ),
        Query("SELECT (<#x> AS ?a) (IRI('y') AS ?b) {}", CSV),
    ],
)
def test_the_engine_answers_like_the_snapshots(machine: Machine, query: Query) -> None:
    theirs = machine.by_engine(query)
    assert theirs is not None, "the engine left it to the snapshots"
    ours = machine.within.query(query).read()
    assert sorted(theirs.splitlines()) == sorted(ours.splitlines())


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (Query("SELECT * { ?s <urn:r> ?o }", CSV, hidden=Hidden(("urn:g:1",))), 0),
        (Query("SELECT * { ?s <urn:r> ?o }", CSV, version=1), 2),
        (Query("SELECT * FROM <urn:g:1> { ?s <urn:p> ?o }", CSV, dataset_query=""), 2),
        (Query("SELECT * { ?s <urn:p> ?o }", CSV, default_graphs=(control.CONTROL,)), 0),
        (Query("SELECT * { ?s <urn:p> ?o }", CSV, default_graphs=("urn:g:1", "urn:g:2")), 2),
    ],
)
def test_other_queries_are_left_to_the_snapshots(
    machine: Machine, query: Query, count: int
) -> None:
    assert machine.by_engine(query) is None
    assert len(machine.store.query(query).read().splitlines()) == 1 + count


def test_what_the_service_keeps_in_the_engine_is_no_answer(machine: Machine) -> None:
    text = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
    listed = {row[0] for row in rows(machine.by_engine(Query(text, JSON)))}
    assert not [graph for graph in listed if "uuid" in graph]
    asked = f"SELECT * {{ GRAPH <{control.CONTROL}> {{ ?s ?p ?o }} }}"
    assert rows(machine.by_engine(Query(asked, JSON)))[1:] == []


class Killed(BaseException):
    """The writer's process ended here."""


class Mortal(Engine):
    """A client whose process ends before one of its requests: after the one before it, that is."""

    left = 10**9

    def _send(self, connection: HTTPConnection, request: Any) -> bytes:
        self.left -= 1
        if self.left < 0:
            connection.close()
            raise Killed
        return super()._send(connection, request)


@dataclass
class Writer:
    """The writer of a data directory, in this process."""

    durable: Durable
    engine: Mortal

    @classmethod
    @contextmanager
    def of(cls, settings: Settings, left: int = Mortal.left) -> Iterator["Writer"]:
        directory = DataDirectory(settings.data)
        plain = Engine.of(settings)
        assert plain is not None
        engine = Mortal(plain.address, plain.kind)
        engine.left = left
        gc.collect()  # the engine within is closed when nothing refers to it any more
        with directory.locked():
            upgrade(directory, settings.base_iri)
            joined = Pair.of(engine, directory, settings.base_iri)
            durable = Durable.open(directory, settings.base_iri, 20, 20, pair=joined)
            writer = cls(durable, engine)
            del durable
            try:
                yield writer
            finally:
                del writer.durable


def differences(settings: Settings) -> list[str]:
    """What the engine holds otherwise than the newest snapshot."""
    engine = Engine.of(settings)
    assert engine is not None
    reader = Snapshots(DataDirectory(settings.data).snapshots).open(control.named(engine)[0])
    names = {str(graph.value) for graph in named_graphs(reader.store)}
    found = [f"graph {name}" for name in names ^ set(control.named(engine)[1])]
    for graph in [*names, CLIENT_DEFAULT.value, control.MERGED]:
        node = MERGED if graph == control.MERGED else ox.NamedNode(graph)
        theirs, ours = ox.Dataset(), ox.Dataset()
        copy = ox.Store()
        copy.load(engine.graph(graph), ox.RdfFormat.N_TRIPLES)
        for quads, dataset in ((copy, theirs), (reader.store, ours)):
            place = ox.DefaultGraph() if quads is copy else node
            for quad in quads.quads_for_pattern(None, None, None, place):
                dataset.add(ox.Quad(quad.subject, quad.predicate, quad.object))
            dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        if theirs != ours:
            found.append(f"content of {graph}")
    reader.close()
    state = control.read(engine)
    return found + [f"draft {draft}" for draft in (state.drafts if state else ())]


def change(number: int) -> Change:
    """One that needs a draft, lines to take out, and lines to put in."""
    told = f'<urn:a> <urn:q> "{number}" .\n'.encode()
    return Change({"urn:g:1": BLANK + told, "urn:g:2": triples(number)}, {"urn:g:3": told})


@ON_OXIGRAPH
def test_machines_follow_one_another_and_outlive_the_engine(fresh: Server, tmp_path: Path) -> None:
    count = Query("SELECT (COUNT(*) AS ?n) { <urn:a> <urn:q> ?o }", CSV)
    with paired(fresh, tmp_path / "a") as first, paired(fresh, tmp_path / "b") as second:
        for number, machine, other in ((1, first, second), (2, second, first)):
            told = f'<urn:a> <urn:q> "{number}" .\n'.encode()
            version = machine.store.commit(Change(add={"urn:g:3": told})).version
            assert version == number
            wait_for(lambda other=other, version=version: other.store.version() == version)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            assert other.store.query(count).read() == f"n\r\n{number}\r\n".encode()
        assert first.store.identity() == second.store.identity()
        for machine, other in ((first, second), (second, first)):
            here, there = (Private(one.settings.data) for one in (machine, other))
            here.mark("harbour")
            wait_for(lambda there=there: there.organisations() == ("harbour",))  # type: ignore[misc]
            there.mark("harbour", private=False)
            wait_for(lambda here=here: here.organisations() == ())  # type: ignore[misc]
        fresh.kill()
        assert first.store.query(count).read() == b"n\r\n2\r\n", "the data directory answers"
        with pytest.raises(StoreUnavailable, match="does not answer"):
            first.store.commit(change(3))
        assert first.store.version() == 2
        fresh.start()
        assert second.store.commit(change(3)).version == 3
        wait_for(lambda: first.store.version() == 3)
    assert differences(settings_of(fresh, tmp_path / "a")) == []


def test_a_machine_notes_what_another_changed(fresh: Server, tmp_path: Path) -> None:
    thing, graph = "https://w3id.org/coprod/id/initiative/brief", "urn:g:brief"
    with paired(fresh, tmp_path / "a") as first, paired(fresh, tmp_path / "b") as second:
        folders = [DataDirectory(one.settings.data).changes for one in (first, second)]
        kinds = list[list[str]]()
        for content in (f'<{thing}> <urn:p> "1" .\n', f'<{thing}> <urn:p> "2" .\n', ""):
            change = Change(replace={graph: content.encode()})
            version = first.store.commit(change).version
            wait_for(lambda version=version: second.store.version() == version)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            here, there = (read_changes(folder, version) for folder in folders)
            assert here is not None
            assert there is not None
            assert here.things == there.things
            assert here.made.replace(microsecond=0) == there.made.replace(microsecond=0)
            kinds.append([one.kind for one in there.things])
    assert kinds == [["created"], ["updated"], ["removed"]]


class Halving:
    """A server between us and an engine that breaks off some of its answers, at the end of a line.

    Args:
        server: the engine.
        broken: whether the answer to a request breaks off, by the number of the request.
        length: whether its length stands in the head of the answer; else it comes in chunks.
    """

    def __init__(self, server: Server, broken: Callable[[int], bool], *, length: bool) -> None:
        self.kind, self.broken, self.requests = server.kind, broken, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                outer.requests += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                engine = HTTPConnection("127.0.0.1", server.port, timeout=60)
                headers = {
                    name: self.headers[name]
                    for name in ("Content-Type", "Accept")
                    if name in self.headers
                }
                engine.request(self.command, self.path, body, headers)
                theirs = engine.getresponse()
                content = theirs.read()
                engine.close()
                is_broken = outer.broken(outer.requests)
                lines = content.splitlines(keepends=True)
                sent = b"".join(lines[: len(lines) // 2]) if is_broken else content
                self.send_response(theirs.status)
                self.send_header("Content-Type", theirs.headers.get("Content-Type", "text/plain"))
                if length:
                    self.send_header("Content-Length", str(len(content) + is_broken))
                else:
                    self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                end = b"" if is_broken else b"0\r\n\r\n"
                self.wfile.write(sent if length else framed(sent) + end)
                self.close_connection = is_broken

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # http.server calls these

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        path = server.url.partition(str(server.port))[2]
        self.url = f"http://127.0.0.1:{self._http.server_port}{path}"

    def __enter__(self) -> "Halving":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def framed(content: bytes) -> bytes:
    """Bytes as one chunk (RFC 9112, 7.1); none has no chunk."""
    return b"%x\r\n%s\r\n" % (len(content), content) if content else b""


HALVES = pytest.mark.parametrize("length", [True, False], ids=["length", "chunks"])


@ON_OXIGRAPH
@HALVES
def test_half_an_answer_is_no_answer(fresh: Server, tmp_path: Path, *, length: bool) -> None:
    """Half of some N-Triples are N-Triples, so only the head of the answer can tell."""
    query = Query("CONSTRUCT { ?s <urn:new> ?o } { ?s <urn:p> ?o }", ("application/n-triples",))
    with (
        paired(fresh, tmp_path / "data") as machine,
        Halving(fresh, lambda _: True, length=length) as half,
    ):
        version = machine.store.commit(Change({"urn:g:2": triples(1)})).version
        settings = replace(machine.settings, store=half.url)
        engine = Engine.of(settings)
        assert engine is not None
        with pytest.raises(StoreUnavailable, match="does not answer"):
            engine.graph("urn:g:2")
        assert EngineAnswers(engine, 30, settings.base_iri).answer(query, version) is None
        assert half.requests >= 2
        assert len((machine.by_engine(query) or b"").splitlines()) == 2


@ON_OXIGRAPH
@HALVES
def test_commits_over_an_engine_that_answers_half_are_whole_or_refused(
    fresh: Server, tmp_path: Path, *, length: bool
) -> None:
    chance = random.Random(7)
    acknowledged = set[int]()
    data = tmp_path / "data"
    with (
        Halving(fresh, lambda number: number > 40 and chance.random() < 0.2, length=length) as half,
        Paired(replace(settings_of(fresh, data), store=half.url)) as machine,
    ):
        for number in range(12):
            told = f'<urn:a> <urn:n> "{number}" .\n'.encode()
            with suppress(StoreUnavailable, StoreError):
                machine.store.commit(Change(add={"urn:g:3": told, f"urn:g:own-{number}": told}))
                acknowledged.add(number)
        half.broken = lambda _: False
        assert machine.store.commit(change(99)).version >= len(acknowledged)
        text = "SELECT DISTINCT ?o { GRAPH ?g { <urn:a> <urn:n> ?o } }"
        found = {int(row[0].strip('"')) for row in rows(machine.by_engine(Query(text, JSON)))[1:]}
        assert found >= acknowledged
        assert half.requests > 40
    assert differences(settings_of(fresh, data)) == []


@pytest.mark.whole
def test_killing_writers_and_the_engine_loses_no_acknowledged_commit(
    fresh: Server, tmp_path: Path
) -> None:
    chance, stopping = random.Random(7), threading.Event()
    acknowledged: list[int] = []

    def commit(machine: Machine, numbers: Iterator[int]) -> None:
        for number in numbers:
            told = f'<urn:n> <urn:number> "{number}" .\n'.encode()
            if stopping.is_set():
                return
            while not stopping.is_set():
                try:
                    machine.store.commit(Change({"urn:g:1": BLANK + told}, {"urn:g:3": told}))
                except StoreError:
                    time.sleep(0.1)  # whether it was made is not known: it is made again
                else:
                    acknowledged.append(number)
                    break

    with paired(fresh, tmp_path / "a") as first, paired(fresh, tmp_path / "b") as second:
        machines = (first, second)
        writers = [
            threading.Thread(target=commit, args=(machine, itertools.count(start, 2)))
            for start, machine in enumerate(machines)
        ]
        for thread in writers:
            thread.start()
        for kill in range(12):
            before = len(acknowledged)
            wait_for(lambda before=before: len(acknowledged) > before, 180)  # type: ignore[misc]
            time.sleep(chance.random())
            if kill % 3 == 2:
                fresh.kill()
                fresh.start()
            else:
                pid = machines[kill % 3].pids().get("writer")
                if pid is not None:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        stopping.set()
        for thread in writers:
            thread.join()
        last = acknowledged[-1] + 2
        stopping.clear()
        commit(first, iter([last]))  # removes what the killed left
        engine = Engine.of(first.settings)
        assert engine is not None
        for machine in machines:
            wait_for(lambda machine=machine: machine.store.version() == control.version(engine))  # type: ignore[misc]
        found = first.within.query(Query("SELECT ?o { GRAPH <urn:g:3> { ?s ?p ?o } }", CSV)).read()
        held = {int(line) for line in found.split()[1:]}
        assert set(acknowledged) <= held
    for machine in machines:
        assert differences(machine.settings) == []


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come about within {seconds:g} seconds"
        time.sleep(0.05)


@ON_OXIGRAPH
def test_a_writer_that_is_killed_at_any_request_leaves_all_or_nothing(
    fresh: Server, tmp_path: Path
) -> None:
    settings = settings_of(fresh, tmp_path / "data")
    made, step, finished = 0, 0, False
    while not finished:
        with suppress(Killed), Writer.of(settings) as writer:
            assert writer.durable.version() == made, "what the engine holds is taken over"
            made = writer.durable.commit([change(made)]).version
            assert differences(settings) == []
            writer.engine.left = step
            writer.durable.commit([change(made)])
            made, finished = made + 1, True
        engine = Engine.of(settings)
        assert engine is not None
        held = control.named(engine)[0]
        assert held in (made, made + 1)
        made, step = held, step + 1
    assert step == 1 + 5, "the lease, the state, the draft, the switch, the state"
    with Writer.of(settings) as writer:
        writer.durable.commit([change(0)])
        assert differences(settings) == []


def test_a_decimal_is_taken_out_however_it_came_there(fresh: Server, tmp_path: Path) -> None:
    """Copied from graph to graph in TDB2, 1 becomes 1.0, which is another term to it."""
    settings = settings_of(fresh, tmp_path / "data")
    decimal = f'<urn:a> <urn:p> "1"^^<{XSD}decimal> .\n'.encode()
    with Writer.of(settings) as writer:
        for made in (
            Change({"urn:g:1": BLANK}),
            Change({"urn:g:1": decimal}, {"urn:g:2": decimal}),  # a draft, and lines
            Change({"urn:g:1": triples(1)}),
            Change({"urn:g:2": b""}),
        ):
            writer.durable.commit([made])
            assert differences(settings) == []


def test_iris_with_segments_that_sparql_resolves_stay_as_they_are(
    fresh: Server, tmp_path: Path
) -> None:
    """In an update Jena takes `/./` and `/../` out of an IRI, in data it does not."""
    settings = settings_of(fresh, tmp_path / "data")
    odd = b"<http://example.org/a/./b/../c> <urn:p> <eXAMPLE://a/./b/../b/%63#x> .\n"
    with Writer.of(settings) as writer:
        for made in (
            Change({"urn:g:1": odd}),
            Change(add={"urn:g:2": odd + triples(1)}),
            Change({"urn:g:1": triples(1)}),
            Change({"urn:g:2": b""}),
        ):
            writer.durable.commit([made])
            assert differences(settings) == []
        answers = EngineAnswers(writer.engine, 30, settings.base_iri)
        asked = Query("ASK { <http://example.org/a/./b/../c> ?p ?o }", JSON)
        assert (answers.answer(asked, 4) is None) == (fresh.kind == "fuseki")
        named = Change({"http://example.org/a/../b": triples(1)})
        if fresh.kind == "fuseki":
            with pytest.raises(WrongUsage, match="cannot keep a graph"):
                writer.durable.commit([named])
        else:
            writer.durable.commit([named])
        assert differences(settings) == []


@ON_OXIGRAPH
def test_a_first_copy_that_is_killed_again_and_again_goes_on_where_it_was(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair, "_FETCHED_BYTES", 0)  # so each graph is a lot
    first, second = (settings_of(fresh, tmp_path / name) for name in "ab")
    graphs = {f"urn:g:{number}": triples(number) for number in range(20)}
    runs, there = 0, False
    with Writer.of(first) as writer:
        writer.durable.commit([Change({**graphs, "": triples(1)})])
        while not there:
            with suppress(Killed), Writer.of(second, left=10):
                pass
            runs, there = runs + 1, (DataDirectory(second.data).snapshots / "current").exists()
            assert runs < 20, "each run begins anew"
            if runs == 2:  # what was copied is changed, and one graph goes
                writer.durable.commit([change(2), Change({"urn:g:4": b""})])
    assert runs > 3
    assert differences(second) == []


@ON_OXIGRAPH
def test_a_first_copy_of_what_was_emptied_meanwhile_begins_anew(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair, "_FETCHED_BYTES", 0)
    first, second, third = (settings_of(fresh, tmp_path / name) for name in "abc")
    with Writer.of(first) as writer:
        writer.durable.commit([change(1)])
    with pytest.raises(Killed), Writer.of(second, left=5):
        pass
    assert copied(DataDirectory(second.data))
    engine = Engine.of(first)
    assert engine is not None
    engine.update("DROP ALL")
    with Writer.of(third) as writer:
        writer.durable.commit([Change({"urn:g:other": triples(1)})])
    with Writer.of(second):
        pass
    assert differences(second) == []


@ON_OXIGRAPH
def test_a_writer_whose_lease_was_taken_over_changes_nothing(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (settings_of(fresh, tmp_path / name) for name in "ab")
    with Writer.of(first) as slow, Writer.of(second) as quick:
        assert slow.durable.pair is not None
        send = Pair.patches

        def paused(self: Pair, *args: Any) -> list[Patch]:
            if self is slow.durable.pair:
                monkeypatch.setattr(Pair, "patches", send)
                assert quick.durable.commit([change(2)]).version == 2
            return send(self, *args)

        slow.durable.commit([change(1)])
        quick.durable.follow()
        monkeypatch.setattr(pair, "_LEASE_SECONDS", -1.0)
        monkeypatch.setattr(Pair, "patches", paused)
        with pytest.raises(ConnectionError, match="lease"):
            slow.durable.commit([change(3)])
    assert [found for found in differences(second) if "draft" not in found] == []
    with Writer.of(first) as again:  # what it had begun is undone, and the other's is there
        assert again.durable.version() == 2
        assert again.durable.commit([change(4)]).version == 3
    assert differences(first) == []


@ON_OXIGRAPH
def test_while_another_writes_a_commit_is_refused(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (settings_of(fresh, tmp_path / name) for name in "ab")
    monkeypatch.setattr(pair, "_PATIENCE_SECONDS", 0.0)
    with Writer.of(first) as busy, Writer.of(second) as other:
        assert busy.durable.pair is not None
        with (
            busy.durable.pair.lease(),
            pytest.raises(StoreUnavailable, match=f"{busy.durable.pair.holder} writes"),
        ):
            other.durable.commit([change(1)])
        assert other.durable.commit([change(1)]).version == 1


@ON_OXIGRAPH
def test_a_writer_that_was_overtaken_goes_first(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (settings_of(fresh, tmp_path / name) for name in "ab")
    monkeypatch.setattr(pair, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(pair, "_FIRST_SECONDS", 600.0)
    with Writer.of(first) as late, Writer.of(second) as quick:
        assert quick.durable.commit([change(1)]).version == 1
        with pytest.raises(StoreChanged):
            late.durable.commit([replace(change(2), base=0)])
        with pytest.raises(StoreUnavailable, match="writes to the engine"):
            quick.durable.commit([change(3)])
        assert late.durable.commit([replace(change(2), base=1)]).version == 2
        assert quick.durable.commit([change(3)]).version == 3


@ON_OXIGRAPH
def test_an_engine_with_other_data_is_refused(fresh: Server, tmp_path: Path) -> None:
    first = settings_of(fresh, tmp_path / "a")
    with Writer.of(first) as writer:
        writer.durable.commit([change(1)])
        writer.durable.commit([change(2)])
    engine = Engine.of(first)
    assert engine is not None

    def refused(why: str) -> None:
        with pytest.raises(StoreUnavailable, match=why), Writer.of(first):
            pass

    told = Identity.read(first.data)
    replace(told, lineage="0" * 8).write(first.data)
    refused("holds lineage")
    told.write(first.data)
    engine.update(
        f"DELETE {{ GRAPH ?g {{ ?s ?p 2 }} }} INSERT {{ GRAPH ?g {{ ?s ?p 1 }} }} "
        f"WHERE {{ VALUES ?g {{ <{control.CONTROL}> }} GRAPH ?g {{ ?s ?p 2 }} }}"
    )
    refused("put back to an older state")
    engine.update("DROP ALL")
    refused("holds none of the data")
    other = replace(first, base_iri="https://example.org/")
    with Writer.of(replace(other, data=tmp_path / "b")):
        pass
    refused("names its data under https://example.org/")


@pytest.mark.parametrize("kind", ["virtuoso", "graphdb", "stardog", "neptune", "qlever", "mine"])
def test_an_engine_that_cannot_be_paired_is_refused_with_the_reason(kind: str) -> None:
    settings = Settings.load({"store": "http://127.0.0.1:1/x", "store_engine": kind}, {})
    with pytest.raises(WrongUsage, match="cannot be paired"):
        Engine.of(settings)


KILLED = """
import os, signal, sys
from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.store.remote import pair
from coprod_kg.store.remote.client import Engine

last, ask, asked = int(sys.argv.pop(1)), Engine.graph, []

def graph(self, name, seconds=600.0):
    asked.append(name)
    if len(asked) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return ask(self, name, seconds)

Engine.graph, pair._FETCHED_BYTES = graph, 0  # each graph is a lot
coprod_kg()
"""


@ON_OXIGRAPH
def test_data_moves_to_an_engine_and_back(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired_with = settings_of(fresh, tmp_path / "a")
    within = replace(paired_with, store="")
    with serving(within) as service:
        service.store.commit(change(1))
        service.store.commit(replace(change(2), add={"": b"<urn:a> <urn:p> <urn:b> .\n"}))

    def migrate(*flags: str) -> Result:
        engine = ("--store-engine", fresh.kind)
        return CliRunner().invoke(coprod_kg, ["migrate", *flags, fresh.url, *engine])

    def killed(graph: int) -> list[str]:
        """What it tells that is killed where it would ask for that graph."""
        command = [sys.executable, "-c", KILLED, str(graph), "migrate", "--from", fresh.url]
        command += ["--data", str(tmp_path / "b"), "--store-engine", fresh.kind]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        return ran.stdout.splitlines()

    add, sent = Engine.add, list[bytes]()

    def breaking(self: Engine, quads: bytes) -> None:
        if any(b"#moved>" in before for before in sent):
            raise StoreUnavailable("the engine was stopped")
        sent.append(quads)
        add(self, quads)

    with monkeypatch.context() as patch:
        patch.setattr(migration, "_PIECE", 1_000)  # small enough for several pieces
        patch.setattr(Engine, "add", breaking)
        assert isinstance(migrate("--data", str(within.data), "--to").exception, StoreUnavailable)

    def unsure(self: Engine, quads: bytes) -> None:
        sent.append(quads)
        if len(sent) % 4 == 1:
            raise StoreUnavailable("the engine broke off before it was done")
        add(self, quads)
        if len(sent) % 4 == 3:
            raise StoreUnavailable("the engine broke off after it was done")

    with monkeypatch.context() as patch:
        patch.setattr(migration, "_PIECE", 100)
        patch.setattr(Engine, "add", unsure)
        sent.clear()
        moved = migrate("--data", str(within.data), "--to")
        assert len(sent) > 3
    assert moved.exit_code == 0, moved.output
    assert "moved before" in moved.stdout
    assert moved.stdout.splitlines()[-1].startswith("Version 2: 6 graphs")
    assert differences(paired_with) == []
    assert killed(3) == [], "two graphs are there"
    there = copied(DataDirectory(tmp_path / "b"))
    told = killed(7)  # the other four are, and two were compared
    assert len(told) == 2
    assert {line.split()[2][:-1] for line in told if "moved before" in line} <= set(there or ())
    back = migrate("--data", str(tmp_path / "b"), "--from")
    assert back.exit_code == 0, back.output
    digests = [line.split()[1] for line in moved.stdout.splitlines()[:-1]]
    assert [line.split()[1] for line in back.stdout.splitlines()[:-1]] == digests
    assert Identity.read(tmp_path / "b").lineage == Identity.read(tmp_path / "a").lineage
    again = migrate("--data", str(within.data), "--to")
    assert isinstance(again.exception, WrongUsage)
    with paired(fresh, within.data) as machine:  # and it serves over what was moved
        assert machine.store.commit(change(3)).version == 3
    assert differences(paired_with) == []
