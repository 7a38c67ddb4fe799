"""When each saved query was last run, and since when it is empty."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.access import Private, Role, Tokens
from coprod_kg.cli.refresh import refresh as command
from coprod_kg.errors import QueryTimeout
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.queries.question import SMALL
from coprod_kg.queries.runs import child
from coprod_kg.queries.runs.ledger import Run, RunLedger, run_after
from coprod_kg.queries.runs.maintenance import Maintenance
from coprod_kg.queries.runs.runner import due, prepare_views, questions, refresh, run_now
from coprod_kg.queries.submitted.edit import admitted
from coprod_kg.queries.submitted.graph import Edit, keep
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Answer, Change, Query, Store
from coprod_kg.store.prepared import PreparedAnswers
from coprod_kg.web import create_app
from tests.web.test_query_differences import QUERY, data


def run(version: int, rows: int | None, problem: str | None = None) -> Run:
    return Run("numbers", "ab", version, "2026-11-24T10:00:00+00:00", 0.1, rows, problem)


def last(*runs: Run) -> Run:
    found: Run | None = None
    for one in runs:
        found = run_after(found, one)
    assert found is not None
    return found


def test_the_first_version_without_rows_is_exact_where_the_one_before_it_had_some() -> None:
    assert last(run(4, 2), run(5, 0), run(6, 0)).outcome == "empty since version 5"


def test_a_version_passed_over_before_it_makes_it_at_the_latest() -> None:
    found = last(run(3, 2), run(5, 0), run(6, 0))
    assert found.outcome == "empty since version 5 at the latest"
    assert last(run(7, 0)).outcome == "empty since version 7 at the latest"
    assert last(run(0, 0)).outcome == "empty since version 0"


def test_a_version_passed_over_after_it_is_not_claimed_to_be_empty() -> None:
    found = last(run(4, 2), run(5, 0), run(9, 0), run(10, 0))
    assert found.outcome == "empty whenever it was run since version 5"


def test_what_was_stopped_is_never_called_empty() -> None:
    stopped = last(run(4, 2), run(5, 0), run(6, None, "it took too long"))
    assert (stopped.is_empty, stopped.outcome_in("da")) == (False, "ikke besvaret")
    assert stopped.outcome == "not answered: it took too long"
    assert stopped.described()["empty_since"] is None
    again = last(run(4, 2), run(5, 0), run(6, None, "it took too long"), run(7, 0))
    assert again.outcome == "empty whenever it was run since version 5"


def test_rows_end_the_emptiness_and_another_text_or_history_begins_anew() -> None:
    assert last(run(4, 0), run(5, 3)).outcome == "3 rows"
    assert last(run(4, 0), run(5, 3), run(6, 0)).outcome == "empty since version 6"
    other = last(run(4, 0), replace(run(5, 0), query_sha256="cd"))
    assert other.outcome == "empty since version 5 at the latest"
    assert last(run(9, 0), run(5, 0)).outcome == "empty since version 5 at the latest"


def test_the_file_is_read_again_and_one_that_is_broken_counts_as_empty(tmp_path: Path) -> None:
    RunLedger(tmp_path).note(run(4, 2))
    assert RunLedger(tmp_path).note(run(5, 0)).outcome == "empty since version 5"
    assert RunLedger(tmp_path).runs()["numbers"].outcome == "empty since version 5"
    (tmp_path / "freshness.json").write_text("[{")
    assert RunLedger(tmp_path).runs() == {}


@dataclass(frozen=True)
class World:
    """A store with one saved query of its own."""

    settings: Settings
    store: Store
    queries: dict[str, SavedQuery]
    ledger: RunLedger


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "numbers.rq").write_text(QUERY)
    settings = Settings(data=tmp_path / "data", queries=tmp_path / "own")
    with local.connect(settings, create=True) as store:
        found = dict(load(tmp_path / "own"))
        yield World(settings, store, found, RunLedger(settings.data))


def rounds(world: World) -> list[Run]:
    return list(refresh(world.store, world.settings, world.queries, world.ledger))


def test_the_page_says_since_when_it_is_empty_and_changes_with_the_data(world: World) -> None:
    client = create_app(world.store, world.settings).test_client()
    client.get("/queries/numbers.html")
    start = world.store.commit(Change(replace={"urn:g": data(a=1)})).version
    assert [one.rows for one in rounds(world)] == [1]
    empty = world.store.commit(Change(replace={"urn:g": b""})).version
    before = client.get("/queries/numbers.html")
    assert [one.rows for one in rounds(world)] == [0]
    page = client.get("/queries/numbers.html", headers={"If-None-Match": before.headers["ETag"]})
    assert f"empty since version {empty}." in page.get_data(as_text=True)
    assert f"empty since version {empty}" in client.get("/queries?format=html").text
    told = client.get("/queries?format=json").get_json()["queries"]
    (own,) = (one for one in told if one["name"] == "numbers")
    assert own["last_run"]["empty_since"] == empty == start + 1
    full = world.store.commit(Change(replace={"urn:g": data(a=1, b=2)})).version
    assert [one.rows for one in rounds(world)] == [2]
    page = client.get("/queries/numbers.html")
    assert f"version {full}" in page.get_data(as_text=True)
    assert "empty since" not in page.get_data(as_text=True)
    pinned = client.get(f"/queries/numbers.html?version={empty}").get_data(as_text=True)
    assert "Last run" not in pinned


def test_it_is_kept_when_the_service_starts_again(world: World, tmp_path: Path) -> None:
    world.store.commit(Change(replace={"urn:g": data(a=1)}))
    rounds(world)
    empty = world.store.commit(Change(replace={"urn:g": b""})).version
    rounds(world)
    assert due(world.queries, RunLedger(world.settings.data), empty) == []
    again = RunLedger(tmp_path / "data").runs()["numbers"]
    assert again.outcome == f"empty since version {empty}"
    client = create_app(world.store, world.settings).test_client()
    assert f"empty since version {empty}" in client.get("/queries?format=html").text


def test_running_makes_no_version_and_nothing_is_run_twice(world: World) -> None:
    number = world.store.version()
    assert len(rounds(world)) == 1
    assert rounds(world) == []
    assert world.store.version() == number


def test_a_question_that_was_submitted_is_run_too(world: World) -> None:
    edit = Edit(world.store, world.settings, "ann", world.store.version())
    sent = QUERY.encode()
    keep(admitted("submitted-numbers", sent, edit), "submitted", (sent,), edit)
    known = questions(world.store, world.settings)
    assert {"numbers", "submitted-numbers"} <= set(known)
    run_now(world.store, world.settings, known["submitted-numbers"], world.ledger)
    page = (
        create_app(world.store, world.settings)
        .test_client()
        .get("/queries/submitted-numbers", headers={"Accept": "text/html"})
    )
    assert f"empty since version {world.store.version()} at the latest" in page.text


class Slow:
    """A store in which every question takes too long."""

    def __init__(self, store: Store) -> None:
        self.version, self.versions = store.version, store.versions
        self.identity, self.cite, self.kept = store.identity, store.cite, store.kept
        self.commit, self.update = store.commit, store.update

    def query(self, query: Query) -> Answer:
        raise QueryTimeout("the query was stopped after 30 seconds")


def test_a_question_that_was_stopped_says_so_on_its_page(world: World) -> None:
    run_now(Slow(world.store), world.settings, world.queries["numbers"], world.ledger)
    client = create_app(world.store, world.settings).test_client()
    page = client.get("/queries/numbers.html").get_data(as_text=True)
    assert "not answered: the query was stopped after 30 seconds" in page
    listed = client.get("/queries?q=numbers&format=html").get_data(as_text=True)
    assert "not answered" in listed
    assert "empty" not in listed + page


def test_rows_are_counted_whatever_stands_in_them(world: World) -> None:
    lines = b'<urn:a> <urn:count> "one\\ntwo\\r\\nthree" .\n<urn:b> <urn:count> "" .\n'
    world.store.commit(Change(replace={"urn:g": lines}))
    assert [one.rows for one in rounds(world)] == [2]


def test_every_question_of_the_model_is_run_by_the_command(tmp_path: Path) -> None:
    with local.connect(Settings(data=tmp_path / "data"), create=True):
        where = ["--data", str(tmp_path / "data")]
    ran = CliRunner().invoke(command, where, catch_exceptions=False)
    assert ran.exit_code == 0
    lines = ran.output.splitlines()
    assert len(lines) == len(load())
    assert not [line for line in lines if "not answered" in line]
    told = json.loads((tmp_path / "data" / "freshness.json").read_text())
    assert {one["query"] for one in told} == set(load())
    one = CliRunner().invoke(command, ["barrier-chains", *where], catch_exceptions=False)
    assert one.output.startswith("barrier-chains  version ")


def test_the_service_runs_them_by_itself_after_a_commit(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with local.serving(settings) as service:
        version = service.store.commit(Change(replace={"urn:g": data(a=1)})).version
        service.supervisor.keep("freshness", "coprod_kg.queries.runs.child", service.environ)
        ledger, until = RunLedger(settings.data), time.monotonic() + 120
        while not ledger.runs() and time.monotonic() < until:
            time.sleep(0.05)
        assert {one.version for one in ledger.runs().values()} == {version}


class Noting:
    """A store that notes what it is asked."""

    def __init__(self, store: Store) -> None:
        self.version, self.versions = store.version, store.versions
        self.identity, self.cite, self.kept = store.identity, store.cite, store.kept
        self.commit, self.update = store.commit, store.update
        self._store = store
        self.texts: list[str] = []

    def query(self, query: Query) -> Answer:
        self.texts.append(query.text)
        return self._store.query(query)


def prepared(world: World) -> None:
    """Make the answers of the newest version ready, as the background process does."""
    answers = PreparedAnswers(world.settings.data, world.store.identity().lineage)
    list(prepare_views(world.store, world.settings, answers))
    maintenance = Maintenance(answers)
    list(refresh(world.store, world.settings, world.queries, world.ledger, maintenance))


def answered(world: World, store: Store, token: str = "") -> list[bytes]:
    client = create_app(store, world.settings).test_client()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    paths = (f"/queries/numbers.{form}" for form in ("csv", "json", "xml", "tsv"))
    return [client.get(path, headers=headers).data for path in paths]


def test_what_was_made_ready_is_answered_without_the_store_and_the_same(world: World) -> None:
    world.store.commit(Change(replace={"urn:g": data(a=1, b=2)}))
    before = answered(world, world.store)
    prepared(world)
    store = Noting(world.store)
    assert answered(world, store) == before
    assert not [text for text in store.texts if "urn:count" in text or "view-" in text]
    world.store.commit(Change(replace={"urn:g": data(a=1, b=2, c=3)}))
    newer = answered(world, store)
    assert b"urn:c" in newer[0]
    assert [text for text in store.texts if "urn:count" in text]
    prepared(world)
    assert answered(world, Slow(world.store)) == newer


def test_a_large_answer_is_made_ready_too_in_every_format(world: World) -> None:
    many = {f"item-{number}": number for number in range(20_000)}
    world.store.commit(Change(replace={"urn:g": data(**many)}))
    before = answered(world, world.store)
    assert len(before[1]) > 2 << 20
    prepared(world)
    store = Noting(world.store)
    assert answered(world, store) == before
    assert not [text for text in store.texts if "urn:count" in text]


def test_a_large_answer_that_was_not_made_ready_is_asked_once_in_every_format(world: World) -> None:
    many = {f"item-{number}": number for number in range(20_000)}
    world.store.commit(Change(replace={"urn:g": data(**many)}))
    store = Noting(world.store)
    large = answered(world, store)
    assert len(large[1]) > SMALL
    assert len([text for text in store.texts if "urn:count" in text]) == len(large)


def test_what_was_made_ready_holds_nothing_private_and_is_not_for_those_who_see_it(
    world: World,
) -> None:
    graph = f"{world.settings.base_iri}graph/organisation/secret"
    world.store.commit(Change(replace={"urn:g": data(a=1), graph: data(b=2)}))
    token = Tokens(world.settings.data).create("ada", Role.CURATOR)
    prepared(world)
    assert b"urn:b" in answered(world, world.store)[0]
    Private(world.settings.data).mark("secret")
    assert b"urn:b" not in answered(world, world.store)[0]
    world.ledger.forget()
    prepared(world)
    store = Noting(world.store)
    assert [b"urn:b" in found for found in answered(world, store)] == [False] * 4
    assert not [text for text in store.texts if "urn:count" in text]
    assert [b"urn:b" in found for found in answered(world, store, token)] == [True] * 4


def test_only_answers_over_the_newest_versions_are_kept(world: World) -> None:
    for number in range(3):
        world.store.commit(Change(replace={"urn:g": data(a=number)}))
        prepared(world)
    answers = PreparedAnswers(world.settings.data, world.store.identity().lineage)
    answers.retain(world.store.version())
    kept = sorted(int(path.name) for path in (world.settings.data / "answers").iterdir())
    assert kept == [world.store.version() - 1, world.store.version()]


@pytest.mark.parametrize(("load", "times"), [(0.5, 0), (1.0, 0), (3.0, 2), (5.0, 4), (50.0, 4)])
def test_the_rest_after_a_query_is_as_long_as_others_keep_the_processors_busy(
    load: float, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests = list[float]()
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(time, "sleep", rests.append)
    child.rest(3.0)
    assert rests == [3.0 * times]
