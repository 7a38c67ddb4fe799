"""Work in a forked child gives what it would give in it, and takes it along when it dies."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from coprod_kg.errors import TooLarge
from coprod_kg.sandbox.fork import forked


def ended(text: str) -> int:
    """How a process ends that runs this."""
    head = "import os, resource, signal, time\nfrom coprod_kg.sandbox.fork import forked\n"
    code = head + textwrap.dedent(text)
    return subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode


def test_the_work_is_done_in_another_process() -> None:
    with forked(lambda: str(os.getpid()).encode()) as result:
        assert int(result()) != os.getpid()


def test_a_result_larger_than_a_pipe_holds_comes_whole() -> None:
    with forked(lambda: b"x" * 5_000_000) as result:
        assert result() == b"x" * 5_000_000


def test_an_error_of_the_work_is_raised_here() -> None:
    def work() -> bytes:
        raise TooLarge("it has more than 3 MB")

    with forked(work) as result, pytest.raises(TooLarge, match="more than 3 MB"):
        result()


def test_nothing_stays_behind_where_the_result_is_not_wanted(tmp_path: Path) -> None:
    def work() -> bytes:
        (tmp_path / "pid").write_text(str(os.getpid()))
        signal.pause()
        return b""

    with forked(work):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            pass
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_deadline_of_a_process_holds_for_the_forked_work() -> None:
    status = ended(
        """
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with forked(lambda: time.sleep(30) or b"") as result:
            signal.setitimer(signal.ITIMER_REAL, 0)  # only the work can meet the deadline
            result()
        """
    )
    assert status == -signal.SIGALRM


def test_the_memory_cap_of_a_process_holds_for_the_forked_work() -> None:
    status = ended(
        """
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
        with forked(lambda: b"x" * (1 << 30)) as result:
            result()
        """
    )
    assert status == -signal.SIGABRT
