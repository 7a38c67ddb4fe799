"""Claims about the newest version in memory: the same answers, and never another version's."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from coprod_kg.errors import CoprodError, Overloaded, QueryTimeout
from coprod_kg.queries.library import load
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.sandbox import limits
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Hidden, Query
from coprod_kg.store.in_memory import (
    address,
    may_read_memory,
    note_long_query,
    seconds_since_long_query,
)
from coprod_kg.store.in_memory_workers import load_copy
from coprod_kg.store.local import LocalStore, Service, serving
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views
from tests.prepared import Prepared
from tests.test_serve_command import examples
from tests.working import happens, in_memory_processes, query_workers

HOPELESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n1 ?o }"
ROWS = Query("SELECT ?s ?o { ?s <urn:p> ?o } ORDER BY ?s", ("text/csv",))
MANY = "".join(f'<urn:{n}> <urn:p> "{n}" .\n' for n in range(1_000)).encode()


def run(service: Service) -> Path:
    return Path(service.environ["COPROD_RUN"])


def held(service: Service) -> bool:
    """Whether the newest version is in memory."""
    return Path(address(run(service), service.store.version())).exists()


def want(service: Service) -> None:
    """Have the newest version held as if it had stayed that for a while, and a query taken long."""
    published = Path(service.environ["COPROD_DATA"]) / "snapshots" / "current"
    os.utime(published, (time.time() - 3600,) * 2, follow_symlinks=False)
    note_long_query(run(service))


@contextmanager
def in_memory(data: Path, **given: float) -> Iterator[Service]:
    """A service whose newest version is in memory."""
    numbers = {"workers": 1, "long_queries": 1, "token_queries": 0, "queue_seconds": 1.0, **given}
    with serving(replace(Settings(data=data), **numbers)) as service:  # type: ignore[arg-type]  # whole numbers where they are wanted
        if not service.store.version():
            service.store.commit(Change(replace={"urn:g": MANY}))
        want(service)
        assert happens(lambda: held(service)), "no copy is made"
        yield service


def from_memory(service: Service, query: Query) -> bytes:
    """The answer while the workers that read files are stopped.

    On a busy machine a query may not be taken up in time and go to those: it is asked again.
    """
    for _ in range(30):
        with suppress(Overloaded):
            return service.store.query(query).read()
    pytest.fail("no worker with the copy takes the query up")


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    """Some processes do nothing until the context ends."""
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_copy_is_made_once_a_query_took_long(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, workers=1, long_queries=1, query_seconds=1.0)
    with serving(settings) as service:
        service.store.commit(Change(replace={"urn:g": MANY}))
        service.store.query(ROWS).read()
        assert seconds_since_long_query(run(service)) is None, "a short query asks for no copy"
        with pytest.raises(QueryTimeout):
            service.store.query(Query(f"{HOPELESS} LIMIT 1", ("text/csv",))).read()
        assert seconds_since_long_query(run(service)) is None, "nor does one that reads no memory"
        with pytest.raises(QueryTimeout):
            service.store.query(Query(HOPELESS, ("text/csv",))).read()
        assert seconds_since_long_query(run(service)) is not None


def test_saved_questions_say_the_same_from_memory_to_the_byte(
    prepared: Prepared, tmp_path: Path
) -> None:
    with in_memory(examples(prepared, tmp_path)) as service:
        settings = Settings(data=Path(service.environ["COPROD_DATA"]))
        files = LocalStore(run(service), replace(settings, in_memory_percent=0))
        assert len(load()) > 70
        for name, saved in load().items():
            if any(parameter.required for parameter in saved.parameters):
                continue
            told = [
                Question(Endpoint.local(store, settings, {}), saved, {}).answer().read()
                for store in (service.store, files)
            ]
            assert told[0] == told[1], name
        assert held(service)


def test_a_query_is_answered_from_memory_where_it_may_be(tmp_path: Path) -> None:
    with in_memory(tmp_path) as service, stopped(query_workers(service.supervisor)):
        assert from_memory(service, ROWS).count(b"\n") == 1001
        pinned = replace(ROWS, version=service.store.version())
        assert from_memory(service, pinned).count(b"\n") == 1001


def test_blank_nodes_have_the_same_names_in_memory(tmp_path: Path) -> None:
    named = b"_:a <urn:q> _:b .\n_:b <urn:q> <urn:c> .\n"
    query = Query("SELECT ?s ?o { ?s <urn:q> ?o } ORDER BY ?s ?o", ("text/csv",))
    with serving(Settings(data=tmp_path, workers=1, queue_seconds=1.0)) as service:
        service.store.commit(Change(replace={"urn:g": named}))
        before = service.store.query(query).read()
        want(service)
        assert happens(lambda: held(service))
        with stopped(query_workers(service.supervisor)):
            assert from_memory(service, query) == before


def test_what_was_committed_is_read_at_once_and_the_memory_is_given_back(tmp_path: Path) -> None:
    query = Query('SELECT ?o { <urn:new> <urn:p> ?o . ?a <urn:p> "7" }', ("text/csv",))
    with in_memory(tmp_path, query_seconds=1.0) as service:
        for number in range(5):
            line = f'<urn:new> <urn:p> "{number}" .'.encode()
            service.store.commit(Change(replace={"urn:new": line}))
            assert service.store.query(query).read().decode().split() == ["o", str(number)]
        assert happens(lambda: not in_memory_processes(service.supervisor)), (
            "an older version stays in memory"
        )
        assert not list(run(service).glob("query-[0-9]*"))
        want(service)
        assert happens(lambda: held(service)), "the newer one is not taken up"
        assert service.store.query(query).read().decode().split() == ["o", "4"]


def test_a_query_at_its_deadline_ends_and_the_next_is_answered_from_memory(tmp_path: Path) -> None:
    with in_memory(tmp_path, query_seconds=1.0) as service:
        with stopped(query_workers(service.supervisor)):
            with pytest.raises(QueryTimeout):
                from_memory(service, Query(HOPELESS, ("text/csv",)))
            assert from_memory(service, ROWS).count(b"\n") == 1001
        assert held(service)


def test_who_finds_the_workers_with_the_copy_busy_is_answered_by_others(tmp_path: Path) -> None:
    with in_memory(tmp_path) as service, ThreadPoolExecutor(8) as threads:
        with stopped(in_memory_processes(service.supervisor)):
            asked = [threads.submit(lambda: service.store.query(ROWS).read()) for _ in range(8)]
            assert {answer.result().count(b"\n") for answer in asked} == {1001}
        assert service.store.query(ROWS).read().count(b"\n") == 1001


def test_where_the_copy_is_lost_the_files_are_read(tmp_path: Path) -> None:
    with in_memory(tmp_path) as service:
        os.kill(in_memory_processes(service.supervisor)[0], signal.SIGKILL)
        assert happens(lambda: not in_memory_processes(service.supervisor) and not held(service))
        assert service.store.query(ROWS).read().count(b"\n") == 1001


@pytest.mark.parametrize("who", ["parent", "worker"])
def test_a_query_whose_process_is_killed_is_told_so_and_the_next_is_answered(
    tmp_path: Path, who: str
) -> None:
    with in_memory(tmp_path, query_seconds=20.0) as service, ThreadPoolExecutor(1) as thread:
        asked = thread.submit(
            lambda: service.store.query(Query(HOPELESS, ("text/csv",), seconds=20.0)).read()
        )
        assert happens(
            lambda: any(map(partial(_busy, run(service)), in_memory_processes(service.supervisor)))
        )
        parent, *workers = in_memory_processes(service.supervisor)
        for pid in workers if who == "worker" else [parent]:
            os.kill(pid, signal.SIGKILL)
        assert isinstance(asked.exception(), CoprodError)
        assert service.store.query(ROWS).read().count(b"\n") == 1001


def _busy(folder: Path, pid: int) -> bool:
    taken = folder / "taken" / str(pid)
    return taken.exists() and bool(taken.read_bytes().strip(b"\0"))


def test_nothing_of_a_stopped_service_stays(tmp_path: Path) -> None:
    with in_memory(tmp_path) as service:
        processes = in_memory_processes(service.supervisor)
        assert processes
    assert happens(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def test_a_copy_that_takes_more_memory_than_it_may_is_none(tmp_path: Path) -> None:
    lines = "".join(f"<urn:{n}> <urn:p> <urn:x:{n}> .\n" for n in range(60_000)).encode()
    with serving(Settings(data=tmp_path, workers=1)) as service:
        version = service.store.commit(Change(replace={"urn:g": lines})).version
        views = Views(Snapshots(tmp_path / "snapshots"), Settings().base_iri)
        alive, held_end = os.pipe()
        assert load_copy(views, version, 1 << 20, alive) is None
        copy = load_copy(views, version, 1 << 30, alive)
        assert copy is not None
        count = service.store.query(Query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", ("text/csv",)))
        assert len(copy) == int(count.read().split()[1])
        os.close(held_end)
        os.close(alive)


@pytest.mark.parametrize(
    ("query", "may"),
    [
        (ROWS, True),
        (replace(ROWS, version=7), True),
        (replace(ROWS, text="SELECT ?s { GRAPH ?g { ?s ?p ?o } }"), False),
        (replace(ROWS, text=r"SELECT ?s { \u0047RAPH ?g { ?s ?p ?o } }"), False),
        (replace(ROWS, text="SELECT ?s { ?s ?p ?o } LIMIT 10"), False),
        (replace(ROWS, text="SELECT ?s { ?s ?p ?o } ORDER BY ?p offset 10"), True),
        (replace(ROWS, text="SELECT ?s { ?s ?p ?o } #order by\n OFFSET 10"), False),
        (replace(ROWS, text="SELECT ?s { ?s ?p ?limit }"), True),
        (replace(ROWS, text="SELECT * { {SELECT ?s {?s ?p ?o} ORDER BY ?s} } LIMIT 1"), False),
        (replace(ROWS, text="SELECT * { {SELECT ?s {?s ?p ?o} LIMIT 1} } ORDER BY ?s"), False),
        (replace(ROWS, text="SELECT * { {SELECT ?s {?s ?p ?o} ORDER BY ?s LIMIT 1} }"), True),
        (replace(ROWS, union=False), False),
        (replace(ROWS, dataset_query=""), False),
        (replace(ROWS, default_graphs=("urn:g",)), False),
        (replace(ROWS, named_graphs=("urn:g",)), False),
        (replace(ROWS, excluded_graphs=("urn:g",)), False),
        (replace(ROWS, hidden=Hidden(("urn:g",))), False),
    ],
)
def test_only_what_reads_the_whole_merge_may_read_memory(query: Query, may: bool) -> None:
    assert may_read_memory(query) is may


def test_a_container_has_the_memory_that_it_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_CONTROL_GROUPS", tmp_path)
    whole = limits.machine_memory()
    assert whole >= 1 << 28
    (tmp_path / "memory.max").write_text("max\n")
    assert limits.machine_memory() == whole
    (tmp_path / "memory.max").write_text("104857600\n")
    assert limits.machine_memory() == 104857600
