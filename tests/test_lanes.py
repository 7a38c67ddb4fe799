"""Short queries do not wait behind long ones; the limit on long ones holds."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from coprod_kg.errors import CoprodError, Overloaded, QueryTooDeep
from coprod_kg.settings import Settings
from coprod_kg.store.base import Cancellation, Change, Query
from coprod_kg.store.lanes import Lane
from coprod_kg.store.local import Service, serving
from tests.working import at_work, happens, query_workers

HOPELESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
SHORT = Query("ASK { ?s ?p ?o }", ("text/csv",))
MANY = "".join(f"<urn:{n}> <urn:p> <urn:{n}> .\n" for n in range(2_000)).encode()


@contextmanager
def store(
    data: Path, long_queries: int, keep: int = 20, queue_seconds: float = 60.0
) -> Iterator[Service]:
    settings = Settings(
        data=data,
        workers=1,
        long_queries=long_queries,
        queue_seconds=queue_seconds,
        query_seconds=120.0,
        keep_versions=keep,
    )
    with serving(settings) as service:
        service.store.commit(Change(replace={"urn:g": MANY}))
        yield service


@contextmanager
def hopeless(asked: Service, count: int) -> Iterator[None]:
    """So many queries without end under way, one begun after the other is long."""
    client, ended = Cancellation(), list[threading.Thread]()

    def ask() -> None:
        with pytest.raises(CoprodError):
            asked.store.query(Query(HOPELESS, ("text/csv",), seconds=120.0, cancellation=client))

    for number in range(count):
        ended.append(threading.Thread(target=ask))
        with at_work(asked.supervisor, number + 1):  # it is taken up, and long
            ended[-1].start()
    try:
        yield
        assert all(one.is_alive() for one in ended)
    finally:
        client.cancel()
        for one in ended:
            one.join()


def test_short_queries_are_answered_while_long_ones_run(tmp_path: Path) -> None:
    with store(tmp_path, 2) as asked, hopeless(asked, 2):
        assert all("true" in asked.store.query(SHORT).read().decode() for _ in range(20))


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is told by Linux")
def test_who_serves_while_a_long_query_runs_has_the_newest_version_open_before_it_is_asked(
    tmp_path: Path,
) -> None:
    def reading() -> set[int]:
        """The workers that have a file of a version open."""
        folder = str(tmp_path / "snapshots")
        return {
            pid
            for pid in query_workers(asked.supervisor)
            for name in os.listdir(f"/proc/{pid}/fd")
            if _target(f"/proc/{pid}/fd/{name}").startswith(folder)
        }

    with store(tmp_path, 1) as asked:
        asked.store.query(SHORT).read()  # of this lane one has it open now
        before = len(reading())
        with hopeless(asked, 1):
            assert happens(lambda: len(reading()) == before + 1), "the next one has none open"


def _target(link: str) -> str:
    """What a link leads to; nothing where it is gone."""
    with suppress(FileNotFoundError):
        return os.readlink(link)
    return ""


def test_no_more_long_queries_run_than_may(tmp_path: Path) -> None:
    with store(tmp_path, 1, queue_seconds=5.0) as asked:
        with hopeless(asked, 2), pytest.raises(Overloaded):
            asked.store.query(SHORT)
        assert "true" in asked.store.query(SHORT).read().decode()  # they left


def test_a_worker_that_dies_leaves_its_lane_to_the_next(tmp_path: Path) -> None:
    deep = Query("SELECT * { FILTER(" + "(" * 50_000 + "1" + ")" * 50_000 + ") }", ("text/csv",))
    with store(tmp_path, 1) as asked:
        for _ in range(3):
            with pytest.raises(QueryTooDeep):
                asked.store.query(deep)
            assert "true" in asked.store.query(SHORT).read().decode()


def test_a_worker_that_waits_holds_no_old_version(tmp_path: Path) -> None:
    with store(tmp_path, 1, keep=1) as asked:
        with hopeless(asked, 1):
            asked.store.query(SHORT).read()  # by the second of the lane
        for _ in range(4):
            asked.store.commit(Change())
            asked.store.query(SHORT).read()
        asked.store.commit(Change())
        assert len(asked.store.versions()) <= 3


def test_of_a_lane_one_serves(tmp_path: Path) -> None:
    first, second = Lane(tmp_path / "lane"), Lane(tmp_path / "lane")
    first.serve()
    turn = threading.Thread(target=second.serve)
    turn.start()
    assert first.serving
    assert not second.serving
    first.leave()
    turn.join()
    assert second.serving
    assert not first.serving
