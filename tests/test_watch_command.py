"""Claims about ``query --watch``: a process that watches, and commits that it sees."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from coprod_kg.cli import watch
from coprod_kg.cli.output import Output
from coprod_kg.cli.query import query
from coprod_kg.cli.watch import difference_lines
from coprod_kg.client.sources import BoundQuestion
from coprod_kg.errors import CoprodError, Overloaded, StoreUnavailable, VersionGone
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.differences import compare
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Change, Store
from coprod_kg.store.local import serving
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.web.test_query_differences import QUERY, data

PATIENCE = 60.0


class Watcher:
    """A process that watches; what it writes goes to a pipe or to a terminal."""

    def __init__(self, *arguments: str, terminal: bool = False) -> None:
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self._file = ours
        self._seen = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coprod_kg.cli", "query", "numbers", "--watch", *arguments],
            stdout=theirs,
            stderr=subprocess.STDOUT,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """All that was written up to and with this text, since the last time."""
        end = time.monotonic() + PATIENCE
        while text not in self._seen:
            ready, _, _ = select.select([self._file], [], [], max(0, end - time.monotonic()))
            assert ready, self._seen
            piece = os.read(self._file, 1 << 16).decode()
            assert piece, self._seen
            self._seen += piece.replace("\r\n", "\n")
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def interrupted(self) -> int:
        """The exit code after Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._file)


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "numbers.rq").write_text(QUERY)
    return str(tmp_path / "own")


@pytest.fixture(params=["--data", "--url"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, own: str
) -> Iterator[tuple[Store, tuple[str, ...]]]:
    """A store, and the flags that lead to it."""
    settings = Settings.load({"data": tmp_path / "data", "workers": 1, "queries": own}, {})
    if request.param == "--data":
        with serving(settings) as service:
            yield service.store, ("--data", str(settings.data), "--queries", own)
        return
    store = MemoryStore()
    server = make_server("127.0.0.1", 0, create_app(store, settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield store, ("--url", f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_commit_is_answered_again_with_what_it_changed(
    world: tuple[Store, tuple[str, ...]],
) -> None:
    store, where = world
    store.commit(Change(replace={"urn:g": data(a=1, b=2)}))
    watcher = Watcher(*where)
    try:
        assert watcher.until("urn:b,2\n").startswith("--- version ")
        version = store.commit(Change(replace={"urn:g": data(a=3, c=5)})).version
        again = watcher.until("urn:c,5\n")
        assert f"--- version {version}, " in again
        assert "1 added, 1 removed, 1 changed since version " in again
        assert "\n+ urn:c: Count 5\n- urn:b: Count 2\n~ urn:a: Count 1 → 3\n" in again
        assert "\nthing,count\nurn:a,3\n" in again
        store.commit(Change(replace={"urn:other": b""}))
        assert "urn:a" not in watcher.until("nothing has changed since version ")
        assert watcher.interrupted() == 0
    finally:
        watcher.close()


def test_a_terminal_is_cleared_and_drawn_anew(
    world: tuple[Store, tuple[str, ...]],
) -> None:
    store, where = world
    store.commit(Change(replace={"urn:g": data(a=1)}))
    watcher = Watcher(*where, terminal=True)
    try:
        first = watcher.until("--cite)\n")
        assert first.count("\x1b[2J") == 1
        assert "---\nurn:a      1\n(1 row, version " in first
        store.commit(Change(replace={"urn:g": data(a=1, b=2)}))
        again = watcher.until("+ urn:b: Count 2\n")
        assert again.count("\x1b[2J") == 1
        assert "1 added, 0 removed, 0 changed since version " in again
        assert watcher.interrupted() == 0
    finally:
        watcher.close()


def test_a_file_is_written_anew_each_time(
    world: tuple[Store, tuple[str, ...]], tmp_path: Path
) -> None:
    store, where = world
    store.commit(Change(replace={"urn:g": data(a=1)}))
    file = tmp_path / "numbers.csv"
    watcher = Watcher(*where, "-o", str(file))
    try:
        end = time.monotonic() + PATIENCE
        while not file.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        store.commit(Change(replace={"urn:g": data(a=4)}))
        watcher.until("~ urn:a: Count 1 → 4\n")
        assert file.read_bytes() == b"thing,count\r\nurn:a,4\r\n"
        assert watcher.interrupted() == 0
    finally:
        watcher.close()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--version", "1"), "a version that is pinned does not change"),
        (("-f", "xlsx"), "Add -o FILE."),
        (("--url", "http://127.0.0.1:9"), "does not answer"),
    ],
)
def test_what_cannot_be_watched_is_refused(flags: tuple[str, ...], message: str, own: str) -> None:
    ended = CliRunner().invoke(query, ["numbers", "--watch", "--queries", own, *flags])
    assert isinstance(ended.exception, CoprodError)
    assert message in str(ended.exception)


class Away:
    """A source whose service is away for a while, and then has a new version."""

    def __init__(self) -> None:
        self.errors = [StoreUnavailable("away"), Overloaded("too many"), VersionGone("gone")] * 2
        self.looks = 0

    def opened(self) -> AbstractContextManager[Any]:
        return nullcontext(self)

    def described(self, _name: str) -> dict[str, Any]:
        return {"form": "SELECT", "key": (), "columns": [], "summary": "Which?"}

    def newest(self) -> int:
        self.looks += 1
        if self.errors:
            raise self.errors.pop()
        if self.looks > 8:
            raise KeyboardInterrupt
        return 2

    def queries(self) -> list[dict[str, Any]]:
        raise AssertionError

    def cited(self, *given: object) -> str:
        raise AssertionError(given)

    def sparql(self, *given: object) -> Answer:
        raise AssertionError(given)

    def assessment(self, *given: object, **more: object) -> str:
        raise AssertionError(given, more)

    def query(
        self, _name: str, _values: object, media_types: tuple[str, ...], number: int | None
    ) -> Answer:
        version = number or (1 if self.errors else 2)
        data = b'{"head": {"vars": ["n"]}, "results": {"bindings": []}}'
        return Answer(media_types[0], version, len(data), iter((data,)))


def test_a_service_that_is_away_is_asked_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(watch, "_EVERY", 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    source = Away()
    watch.watch(BoundQuestion(source, "which", {}), Output("json", None, ""))
    out, err = capsysbinary.readouterr()
    assert not source.errors
    assert b"nothing has changed since version 1" in out
    assert err.count(b"trying again") == 1


def test_a_row_that_differs_is_told_by_the_words_of_its_key() -> None:
    def row(number: int) -> dict[str, Cell]:
        return {
            "stage": Cell("uri", "urn:stage"),
            "stageLabel": Cell("literal", "A \x1b[2J stage"),
            "n": Cell("literal", str(number)),
        }

    columns = ("stage", "stageLabel", "n")
    found = compare(Table(columns, (row(1),)), Table(columns, (row(2),)), ("stage",))
    assert list(difference_lines(found, {"n": "Number"})) == ["~ A  [2J stage: Number 1 → 2"]
