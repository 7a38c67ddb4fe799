"""What the supervisor of the processes records of their ends, however many end at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from coprod_kg.store.exits import exit_status, record_exit
from coprod_kg.store.supervisor import Supervisor


@contextmanager
def keeping(run: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(run)
    yield supervisor
    supervisor.stop()


def await_that(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def pid_of(supervisor: Supervisor, name: str, before: int = 0) -> int:
    """The number of a child that has started, which is another than before."""
    await_that(lambda: supervisor.pids().get(name, before) != before)
    return supervisor.pids()[name]


def test_the_log_tells_that_a_process_was_killed_and_is_started_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    with keeping(tmp_path) as supervisor:
        supervisor.keep("sleeper", "sleeper", {"PYTHONPATH": str(tmp_path)})
        first = pid_of(supervisor, "sleeper")
        os.kill(first, signal.SIGKILL)
        pid_of(supervisor, "sleeper", first)
    assert capfd.readouterr().err == (  # nothing is said of the one that was stopped
        "coprod-kg: the sleeper process was ended by signal 9 (Killed); it is started again\n"
    )


def test_the_log_tells_with_which_status_a_process_ended_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "brief.py").write_text("raise SystemExit(7)\n")
    with keeping(tmp_path) as supervisor:
        supervisor.keep("brief", "brief", {"PYTHONPATH": str(tmp_path)})
        await_that(lambda: supervisor.fails("brief"))
    lines = set(capfd.readouterr().err.splitlines())
    assert lines == {
        "coprod-kg: the brief process ended by itself with status 7; it is started again"
    }


def test_ends_at_the_same_moment_are_all_recorded_and_the_oldest_forgotten(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda pid: record_exit(tmp_path, pid, -14), range(1, 2001)))
        record_exit(tmp_path, 2001, -6)
    assert exit_status(tmp_path, 2001) == -6
    assert exit_status(tmp_path, 1, seconds=0) is None
    assert 200 <= len(list((tmp_path / "exits").iterdir())) <= 300


def test_a_process_is_not_taken_for_an_earlier_one_of_its_number(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    (tmp_path / "exits").mkdir()
    with keeping(tmp_path) as supervisor:
        last = subprocess.Popen([sys.executable, "-c", ""])
        last.wait()
        for pid in range(last.pid, last.pid + 2000):  # numbers are given one after the other
            (tmp_path / "exits" / str(pid)).write_text("-11")
        supervisor.keep("sleeper", "sleeper", {"PYTHONPATH": str(tmp_path)})
        assert exit_status(tmp_path, pid_of(supervisor, "sleeper"), seconds=0) is None
