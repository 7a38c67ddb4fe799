"""Who took a query up is known, also when they can say nothing any more."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coprod_kg.errors import Overloaded
from coprod_kg.sandbox import wire
from coprod_kg.settings import Settings
from coprod_kg.store import worker_client
from coprod_kg.store.base import Query
from coprod_kg.store.exits import record_exit
from coprod_kg.store.local import LocalStore
from coprod_kg.store.worker_registry import WorkerRegistry, new_query_id, worker_of

TAKEN = "0" * 32
ENDS = """
import os, sys
from pathlib import Path
from coprod_kg.store.worker_registry import WorkerRegistry
WorkerRegistry(Path(sys.argv[1])).take(sys.argv[2])
os.abort()
"""


def test_a_query_that_nobody_took_has_no_taker(tmp_path: Path) -> None:
    assert worker_of(tmp_path, new_query_id()) is None
    WorkerRegistry(tmp_path)
    assert worker_of(tmp_path, new_query_id()) is None


def test_the_taker_of_a_query_is_known_after_it_died(tmp_path: Path) -> None:
    WorkerRegistry(tmp_path).take(new_query_id())
    name = new_query_id()
    worker = subprocess.Popen([sys.executable, "-c", ENDS, str(tmp_path), name])
    assert worker.wait(60) < 0
    assert worker_of(tmp_path, name) == worker.pid


def test_what_workers_took_that_ended_long_ago_is_forgotten(tmp_path: Path) -> None:
    name = new_query_id()
    worker = subprocess.Popen([sys.executable, "-c", ENDS, str(tmp_path), name])
    worker.wait(60)
    os.utime(tmp_path / "taken" / str(worker.pid), (0, 0))  # it was taken up long ago
    record_exit(tmp_path, worker.pid, worker.returncode)  # and ended now
    WorkerRegistry(tmp_path)
    assert worker_of(tmp_path, name) == worker.pid
    os.utime(tmp_path / "exits" / str(worker.pid), (0, 0))
    WorkerRegistry(tmp_path)
    assert worker_of(tmp_path, name) is None


@pytest.mark.parametrize("taken", [True, False])
def test_a_query_that_was_taken_up_waits_longer_than_one_in_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    monkeypatch.setattr(worker_client, "new_query_id", lambda: TAKEN)
    ledger = WorkerRegistry(tmp_path)
    if taken:
        ledger.take(TAKEN)

    def answer() -> None:
        with listening.accept()[0] as connection:
            assert wire.receive_message(connection)["query_id"] == TAKEN
            time.sleep(0.2)
            head = {"media_type": "text/csv", "version": 1, "length": 1}
            connection.sendall(wire.framed_message(head) + wire.framed(b"a") + wire.framed(b""))

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "query"))
        listening.listen()
        settings = Settings(data=tmp_path, queue_seconds=0.02)
        query = Query("ASK {}", ("text/csv",))
        if taken:
            worker = threading.Thread(target=answer)
            worker.start()
            assert LocalStore(tmp_path, settings).query(query).read() == b"a"
            worker.join()
        else:
            with pytest.raises(Overloaded, match=r"0\.02 seconds"):
                LocalStore(tmp_path, settings).query(query)
