"""A child that a fork server forks is to its owner a child like any other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coprod_kg.sandbox.child import Child, ChildExit, PreloadedModule
from tests.forked import WORKED_SECONDS
from tests.working import happens

PATIENCE = 60.0


def child(told: str, *arguments: str) -> Child:
    """A child that is told something, of the server that was given these arguments."""
    return Child(PreloadedModule("tests.forked", arguments), lambda file: file.write(told.encode()))


def ran(told: str, *arguments: str) -> ChildExit:
    with child(told, *arguments) as running:
        return running.ended(PATIENCE)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_of_one_server_find_prepared_what_was_asked_for() -> None:
    first, second = (ran("", "a", "b").output.decode().split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1:] == second[1:]
    assert first[1:3] == ["a", "b"]
    assert ran("", "other").output.decode().split()[1] == "other"


@pytest.mark.parametrize(("told", "status"), [("", 0), ("fail", 1), ("die", -signal.SIGALRM)])
def test_a_child_ends_as_it_would_without_a_server(told: str, status: int) -> None:
    ended = ran(told, "ending")
    assert ended.status == status
    assert (b"on purpose" in ended.stderr) == (told == "fail")


def test_a_child_that_is_ended_by_its_owner_runs_no_longer() -> None:
    with child("wait", "killed") as running:
        pid = int(running.output.readline().split()[0])
        assert runs(pid)
    assert happens(lambda: not runs(pid), PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it on Linux only")
def test_the_processor_time_of_a_child_is_counted_with_that_of_its_server() -> None:
    """And so with that of all processes above it, as a benchmark or a monitor adds it up."""
    server = int(ran("", "counted").output.split()[-1])
    assert ran("work", "counted").status == 0

    def counted() -> bool:
        fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[13]) + int(fields[14])  # of ended children, in user and system mode
        return ticks / os.sysconf("SC_CLK_TCK") > WORKED_SECONDS / 2

    assert happens(counted, PATIENCE)


def test_without_a_server_a_child_starts_by_itself() -> None:
    server = int(ran("", "gone").output.split()[-1])
    os.kill(server, signal.SIGKILL)
    told = ran("", "gone").output.split()
    assert len(told) in (1, 3)  # by itself nothing is prepared; or by a new server
    assert ran("", "gone").status == 0
    assert int(ran("", "gone").output.split()[-1]) != server


def test_a_server_and_its_children_end_with_the_process_that_they_serve() -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, tests.test_fork_server as its\n"
            "running = its.child('wait', 'owned')\n"
            "print(running.output.readline().decode(), flush=True)\n"
            "sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout
        waiting, _, server = owner.stdout.readline().split()
        assert runs(int(server))
        assert runs(int(waiting))
        owner.kill()
    assert happens(lambda: not runs(int(server)), PATIENCE)
    assert happens(lambda: not runs(int(waiting)), PATIENCE)
