"""The processes of a store: limits, versions, and who may use a data directory."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coprod_kg.errors import (
    NotAcceptable,
    QueryMemory,
    QuerySyntax,
    QueryTimeout,
    QueryTooDeep,
    StoreError,
    StoreInUse,
    VersionGone,
)
from coprod_kg.sandbox import wire
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.exits import exit_status
from coprod_kg.store.local import LocalStore, Service, connect, serving
from coprod_kg.store.worker_client import request
from coprod_kg.store.worker_registry import new_query_id, worker_of
from tests.working import query_workers

TABLE = ("text/csv",)
GRAPH = "https://example.org/graph"
HOPELESS = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(?c + ?f + ?i < 0) }"
HUNGRY = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c ?f"
ENDLESS = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }"
SECONDS = 4.0


def rows(number: int, start: int = 0) -> bytes:
    integer = "http://www.w3.org/2001/XMLSchema#integer"
    return "".join(
        f'<https://example.org/{row}> <https://example.org/p> "{row}"^^<{integer}> .\n'
        for row in range(start, start + number)
    ).encode()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    values = {
        "data": tmp_path_factory.mktemp("data"),
        "workers": 2,
        "query_seconds": SECONDS,
        "query_memory_mb": 96,
        "keep_versions": 3,
    }
    return Settings.load(values, {})


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[Service]:
    with serving(settings, "http://127.0.0.1:8000") as running:
        running.store.commit(Change(replace={GRAPH: rows(20_000)}))
        yield running


def ask(store: LocalStore, text: str, version: int | None = None) -> list[str]:
    query = Query(text, TABLE, version=version)
    return store.query(query).read().decode().split("\r\n")[1:-1]


def count(store: LocalStore, version: int | None = None) -> int:
    text = f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}"
    return int(ask(store, text, version)[0])


def test_a_commit_is_visible_to_the_next_question(service: Service) -> None:
    for number in (20_010, 20_020, 20_000):
        commit = service.store.commit(Change(replace={GRAPH: rows(number)}))
        assert service.store.version() == commit.version
        assert count(service.store) == number


def test_a_hopeless_query_ends_at_its_deadline_and_nobody_else_notices(service: Service) -> None:
    errors: list[Exception] = []
    took: list[float] = []

    def hopeless() -> None:
        began = time.monotonic()
        try:
            service.store.query(Query(HOPELESS, TABLE)).read()
        except QueryTimeout as error:
            errors.append(error)
        took.append(time.monotonic() - began)

    thread = threading.Thread(target=hopeless)
    thread.start()
    answered = 0
    while thread.is_alive():
        assert count(service.store) == 20_000
        answered += 1
    thread.join()
    assert len(errors) == 1
    assert "stopped after 4 seconds" in str(errors[0])
    # The promise itself: not before the deadline, and long before the query would have ended.
    assert SECONDS - 1 < took[0] < 10 * SECONDS
    assert answered


def test_a_client_may_ask_for_an_earlier_deadline_but_not_for_a_later_one(
    service: Service,
) -> None:
    with pytest.raises(QueryTimeout, match=r"after 0\.3 seconds"):
        service.store.query(Query(HOPELESS, TABLE, seconds=0.3)).read()
    with pytest.raises(QueryTimeout, match="after 4 seconds"):
        service.store.query(Query(HOPELESS, TABLE, seconds=3600)).read()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_query_that_eats_memory_ends_at_its_cap(service: Service) -> None:
    with pytest.raises(QueryMemory, match="96 MiB"):
        service.store.query(Query(HUNGRY, TABLE)).read()
    assert count(service.store) == 20_000


def test_an_answer_that_fails_midway_is_never_taken_for_a_whole_one(service: Service) -> None:
    answer = service.store.query(Query(ENDLESS, TABLE))
    assert answer.length is None
    with pytest.raises(QueryTimeout), answer:
        for _ in answer.chunks:
            pass


@pytest.mark.parametrize("depth", [5_000, 100_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT * WHERE { FILTER(" + "(", ")" + ") }"),
        ("SELECT * WHERE {" + "{", "}" + "}"),
        ("SELECT * WHERE { ?s " + "(", "<urn:p>)" + " ?o }"),
        ("SELECT * WHERE { ?s ?p " + "[ ?p ", "]" + " }"),
        ("SELECT * WHERE { FILTER(" + "!", "true" + ") }"),
    ],
)
def test_a_query_nested_too_deeply_harms_only_its_worker(
    service: Service, before: str, after: str, depth: int
) -> None:
    opening, closing = before[:-1], after[1:]
    text = opening + before[-1] * depth + after[0] * depth + closing
    pids = dict(service.supervisor.pids())
    with pytest.raises((QueryTooDeep, QuerySyntax)):
        service.store.query(Query(text, TABLE)).read()
    assert service.supervisor.pids()["writer"] == pids["writer"]
    assert count(service.store) == 20_000


def test_a_reader_that_leaves_frees_the_worker_that_wrote_to_it(service: Service) -> None:
    for answer in [service.store.query(Query(ENDLESS, TABLE)) for _ in range(2)]:
        assert next(iter(answer.chunks)).startswith(b"a,b,c,d,e,f")
        answer.close()
    assert count(service.store) == 20_000


def test_an_asker_that_leaves_ends_the_worker_that_computes_for_it(service: Service) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(service.environ["COPROD_RUN"] + "/query")
        name = new_query_id()
        wire.send_message(sock, request(Query(HOPELESS, TABLE), 60.0, name))
        deadline = time.monotonic() + 60
        while (pid := worker_of(Path(service.environ["COPROD_RUN"]), name)) is None:
            assert time.monotonic() < deadline, "no worker took it up"
            time.sleep(0.01)
    await_end(pid)
    assert exit_status(Path(service.environ["COPROD_RUN"]), pid) == 0
    assert count(service.store) == 20_000


def test_a_query_that_is_not_sparql_names_line_and_column(service: Service) -> None:
    with pytest.raises(QuerySyntax) as caught:
        service.store.query(Query("SELECT *\nWHERE { ?s ?p }", TABLE))
    assert caught.value.where == "line 2, column 16"


def test_a_format_that_does_not_fit_the_form_of_the_query_is_refused(service: Service) -> None:
    with pytest.raises(NotAcceptable, match="SELECT or ASK"):
        service.store.query(Query("ASK {}", ("text/turtle",)))
    with pytest.raises(NotAcceptable, match="CONSTRUCT or DESCRIBE"):
        service.store.query(Query("CONSTRUCT WHERE { ?s ?p ?o }", TABLE))


def test_from_is_heeded_where_the_default_graph_is_not_the_union(service: Service) -> None:
    text = "SELECT (COUNT(*) AS ?n) FROM <https://example.org/none> WHERE { ?s ?p ?o }"
    query = Query(text, TABLE, union=False)
    assert service.store.query(query).read() == b"n\r\n0\r\n"


def test_the_graphs_of_the_request_are_the_whole_dataset(service: Service) -> None:
    text = "SELECT (COUNT(*) AS ?n) WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    one = service.store.query(Query(text, TABLE, default_graphs=(GRAPH,))).read()
    both = service.store.query(
        Query(text, TABLE, default_graphs=(GRAPH,), named_graphs=(GRAPH,))
    ).read()
    assert one == b"n\r\n20000\r\n"
    assert both == b"n\r\n40000\r\n"


def test_old_versions_stay_queryable_until_they_are_pruned(service: Service) -> None:
    first = service.store.commit(Change(replace={GRAPH: rows(5)})).version
    for number in (6, 7):
        service.store.commit(Change(replace={GRAPH: rows(number)}))
    assert count(service.store, version=first) == 5
    service.store.commit(Change(replace={GRAPH: rows(20_000)}))
    service.store.commit(Change())
    service.store.commit(Change())
    # Three, and what each idle worker still has open.
    assert len(service.store.versions()) <= 3 + len(query_workers(service.supervisor))
    with pytest.raises(VersionGone, match="not kept"):
        count(service.store, version=1)
    assert count(service.store, version=service.store.version() - 2) == 20_000


def test_commits_that_arrive_together_are_all_there(service: Service) -> None:
    graphs = [f"https://example.org/together/{number}" for number in range(20)]
    threads = [
        threading.Thread(target=service.store.commit, args=(Change(replace={graph: rows(3)}),))
        for graph in graphs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = " ".join(f"<{graph}>" for graph in graphs)
    text = f"SELECT (COUNT(*) AS ?n) WHERE {{ VALUES ?g {{ {values} }} GRAPH ?g {{ ?s ?p ?o }} }}"
    assert ask(service.store, text) == ["60"]


def test_a_change_that_is_not_ntriples_is_refused_and_changes_nothing(service: Service) -> None:
    version = service.store.version()
    for change in (
        Change(replace={GRAPH: b"this is no triple"}),
        Change(add={GRAPH: b"_:b <https://example.org/p> <https://example.org/o> .\n"}),
    ):
        with pytest.raises(StoreError):
            service.store.commit(change)
    assert service.store.version() == version
    assert count(service.store) == 20_000


def test_half_a_change_on_the_socket_changes_nothing(service: Service) -> None:
    version = service.store.version()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(service.environ["COPROD_RUN"] + "/writer")
        sock.sendall(b"\x00\x00\xff\xff" + b'{"replace": ["https://example.org/')
    assert service.store.commit(Change()).version == version + 1


def test_a_second_service_on_the_same_directory_is_told_who_has_it(
    service: Service, settings: Settings
) -> None:
    with pytest.raises(StoreInUse) as caught, serving(settings):
        pass
    assert f"in use by process {os.getpid()}, which serves http://127.0.0.1:8000" in str(
        caught.value
    )


def test_a_command_finds_the_running_service(service: Service, settings: Settings) -> None:
    with connect(settings) as store:
        assert store.version() == service.store.version()


def test_a_command_without_a_service_starts_and_ends_its_own(tmp_path: Path) -> None:
    settings = Settings.load({"data": tmp_path}, {})
    with connect(settings, create=True) as store:
        store.commit(Change(replace={GRAPH: rows(3)}))
    assert not (DataDirectory(tmp_path).root / "lock").exists()
    with connect(settings) as store:
        assert count(store) == 3


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.serving_process", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        children = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    for pid in children.values():
        await_end(pid)


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail(f"process {pid} is still there")


def test_a_query_that_no_worker_took_is_asked_again(tmp_path: Path) -> None:
    def answer() -> None:
        for _ in range(2):
            listening.accept()[0].close()  # a worker that ended before it took the query
        with listening.accept()[0] as taken:
            assert wire.receive_message(taken)["text"] == "ASK {}"
            wire.send_message(taken, {"media_type": TABLE[0], "version": 1, "length": None})
            wire.send(taken, b"true")
            wire.send(taken, wire.END)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "query"))
        listening.listen()
        with ThreadPoolExecutor() as pool:
            worker = pool.submit(answer)
            asked = LocalStore(tmp_path, Settings(data=tmp_path)).query(Query("ASK {}", TABLE))
            assert asked.read() == b"true"
            worker.result()
