"""``kill -9`` at any moment loses no acknowledged commit and shows no half of another."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coprod_kg.errors import StoreError
from coprod_kg.settings import Settings
from coprod_kg.store import write_ahead
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import LocalStore

KILLS = 56
ROWS = 1000
"""Enough that most of the time of a commit goes into applying it: there a kill finds a half."""
LEFT, RIGHT, KEPT = (
    "https://example.org/left",
    "https://example.org/right",
    "https://example.org/kept",
)
COUNT = "https://example.org/count"
TABLE = ("text/csv",)


@dataclass
class Stream:
    """Commits one number after another to two graphs at once, and to a third that only grows."""

    store: LocalStore
    number: int
    acknowledged: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Commit in the background, from the first acknowledged commit until the context ends."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            while not self.acknowledged:
                time.sleep(0.005)
            yield
        finally:
            self.stopping.set()
            thread.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            self.number += 1
            many = "".join(
                f'<https://example.org/{row}> <{COUNT}> "{self.number}" .\n' for row in range(ROWS)
            ).encode()
            once = f'<https://example.org/{self.number}> <{COUNT}> "{self.number}" .\n'.encode()
            try:
                self.store.commit(Change(replace={LEFT: many, RIGHT: many}, add={KEPT: once}))
            except StoreError:
                time.sleep(0.01)
                continue
            self.acknowledged.append(self.number)


@dataclass(frozen=True)
class Running:
    """The processes of a store, and the way to them."""

    process: "subprocess.Popen[str]"
    data: Path

    def pids(self) -> dict[str, int]:
        """The processes that run at this moment."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        pids: dict[str, int] = json.loads(self.process.stdout.readline())
        return pids

    def kill(self, names: list[str]) -> int:
        """Kill some of them; how many kills there were."""
        pids = self.pids()
        killed = 0
        for name in names or sorted(pids):
            if name in pids:
                os.kill(pids[name], signal.SIGKILL)
                killed += 1
        return killed

    @property
    def store(self) -> LocalStore:
        run = Path(DataDirectory(self.data).holder()["run"])
        return LocalStore(run, Settings.load({"data": self.data}, {}))


@contextmanager
def running(data: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.serving_process", str(data)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        service = Running(process, data)
        service.pids()
        yield service
        try:
            process.communicate()
        except BrokenPipeError:
            process.kill()


def numbers(store: LocalStore, graph: str) -> set[int]:
    text = f"SELECT DISTINCT ?n WHERE {{ GRAPH <{graph}> {{ ?row <{COUNT}> ?n }} }}"
    rows = ask(store, text).splitlines()[1:]
    return {int(row) for row in rows}


def ask(store: LocalStore, text: str) -> str:
    """Ask as a client would: again, when the process that was asked has just been killed."""
    for _ in range(200):
        try:
            return store.query(Query(text, TABLE)).read().decode()
        except StoreError:
            time.sleep(0.05)
    pytest.fail("the store did not come back")


def settle(store: LocalStore) -> None:
    """Wait until a writer has taken over and published what it found on disk."""
    for _ in range(400):
        try:
            store.commit(Change())
        except StoreError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("no writer came back")


def check(store: LocalStore, acknowledged: set[int]) -> None:
    settle(store)
    left, right, kept = (numbers(store, one) for one in (LEFT, RIGHT, KEPT))
    assert left == right, "one half of a commit is there without the other"
    assert len(left) <= 1, "a graph holds parts of two commits"
    assert acknowledged <= kept, "an acknowledged commit is gone"
    assert max(kept, default=0) == max(left, default=0), "a graph is older than the commit"
    every = "SELECT (COUNT(*) AS ?n) { SELECT DISTINCT ?s ?p ?o { GRAPH ?g { ?s ?p ?o } } }"
    assert ask(store, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == ask(store, every)
    beyond = "ASK { ?s ?p ?o MINUS { GRAPH ?g { ?s ?p ?o } } }"
    assert "false" in ask(store, beyond), "the merge holds what no graph does"


def test_killing_any_process_at_any_moment_loses_no_acknowledged_commit(tmp_path: Path) -> None:
    chance = random.Random(2026)
    killed, number, acknowledged = 0, 0, set[int]()
    while killed < KILLS:
        with running(tmp_path) as service:
            check(service.store, acknowledged)
            victims: list[str] = chance.choice(
                [["writer"], ["worker-0", "writer"], ["query"], ["supervisor"], []]
            )
            for _ in range(5 if "writer" in victims else 1):
                stream = Stream(service.store, number)
                with stream.flowing():
                    time.sleep(chance.uniform(0.0, 0.3))
                    killed += service.kill(victims)
                number = stream.number
                acknowledged |= set(stream.acknowledged)
                if "writer" in victims:
                    check(service.store, acknowledged)
    with running(tmp_path) as service:
        check(service.store, acknowledged)


def test_a_commit_that_was_journalled_and_not_applied_is_there_after_the_restart(
    tmp_path: Path,
) -> None:
    directory = DataDirectory(tmp_path)
    directory.create()
    triple = f'<https://example.org/1> <{COUNT}> "7" .\n'.encode()
    write_ahead.write(directory.journal, [Change(replace={LEFT: triple}, add={RIGHT: triple})])
    with running(tmp_path) as service:
        assert numbers(service.store, LEFT) == numbers(service.store, RIGHT) == {7}
    assert not directory.journal.exists()
