"""Supervisor of child processes: restarts those that die, and none outlives its parent.

Every child inherits the reading end of a pipe, its lifeline, of which only the parent has the
writing end: when the parent dies, however it dies, the child reads the end of the pipe and exits.
How a child ended is written to ``RUN/exits/PID``, for the process that was connected to it, and as
a line to standard error, for the operator.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from coprod_kg.store.exits import forget_exit, record_exit

__all__ = ["LIFELINE", "Supervisor", "follow_lifeline", "restart"]

LIFELINE = "COPROD_LIFELINE"
"""The environment variable with the number of the lifeline's file descriptor."""

_ALLOCATOR: Final = {
    # glibc gives each thread memory of its own to allocate in, and keeps it: a web process with
    # some dozens of threads held 180 MiB under load, with two such areas 135.
    "MALLOC_ARENA_MAX": "2",
    # It gives back what is free at the end of an area, from a size on that grows with the largest
    # block that was freed unless it is set: the writer kept 141 MiB after the example data, with
    # these 77, and all processes together 742 and 605.
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_MMAP_THRESHOLD_": "131072",
}
"""How the allocator of the children gives memory back, where the environment says nothing else."""
_FAILURES = 4
_BACKOFF_SECONDS = (0.0, 0.0, 0.1, 0.5, 2.0, 5.0)
"""How long a process waits to be started again, by how often it failed to start."""
_STEADY_SECONDS = 10.0
"""A process that ended by itself after so long had started well."""


class Supervisor:
    """Starts children, starts them again when they die, and stops them all."""

    def __init__(self, run: Path) -> None:
        """Keep children whose ends are recorded below ``run``."""
        self._run = run
        self._lifeline, self._held = os.pipe()
        self._stopping = threading.Event()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._threads: list[threading.Thread] = []
        self._failures: dict[str, int] = {}

    def keep(
        self,
        name: str,
        module: str,
        environ: Mapping[str, str],
        fds: Sequence[int] = (),
    ) -> None:
        """Run a Python module as a child from now until `stop`.

        Args:
            name: what the child is called, unique in this supervisor.
            module: the module, run with ``python -m``.
            environ: environment variables beside those of this process.
            fds: file descriptors that the child inherits under the same numbers.
        """
        thread = threading.Thread(
            target=self._keep,
            args=(name, module, environ, tuple(fds)),
            name=name,
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    def pids(self) -> Mapping[str, int]:
        """The children that run now: name → process number."""
        return {name: child.pid for name, child in list(self._running.items())}

    def fails(self, name: str) -> bool:
        """Whether a child ended by itself after each of its last starts."""
        return self._failures.get(name, 0) >= _FAILURES

    def stop(self, seconds: float = 5.0, first: str | None = None) -> None:
        """End every child: asked first, killed after some seconds.

        Args:
            seconds: how long a child may take.
            first: the name of a child that the others work for: it is ended before them.
        """
        self._stopping.set()
        for name, child in list(self._running.items()):
            if name == first:
                child.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(seconds)
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        # A signal may have come before the newest of them was started.
        started = [thread for thread in self._threads if thread.is_alive()]
        for thread in started:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._signal(signal.SIGKILL)
        for thread in started:
            thread.join()
        os.close(self._held)
        os.close(self._lifeline)

    def _signal(self, number: signal.Signals) -> None:
        for child in list(self._running.values()):
            child.send_signal(number)

    def _keep(
        self,
        name: str,
        module: str,
        environ: Mapping[str, str],
        fds: tuple[int, ...],
    ) -> None:
        self._failures[name] = failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", module],
                env={**_ALLOCATOR, **os.environ, **environ, LIFELINE: str(self._lifeline)},
                pass_fds=(self._lifeline, *fds),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                umask=0o077,  # what it writes is for its user alone
            )
            forget_exit(self._run, child.pid)
            self._running[name] = child
            if self._stopping.is_set():
                child.terminate()
            status = child.wait()
            del self._running[name]
            record_exit(self._run, child.pid, status)
            failures, seconds = restart(status, time.monotonic() - started, failures)
            self._failures[name] = failures
            if not self._stopping.is_set():
                sys.stderr.write(f"coprod-kg: {_ended(name, status)}; it is started again\n")
            self._stopping.wait(seconds)


def _ended(name: str, status: int) -> str:
    """How a child ended that nobody had asked to end, in words."""
    if status < 0:
        meaning = signal.strsignal(-status) or "unknown"
        return f"the {name} process was ended by signal {-status} ({meaning})"
    return f"the {name} process ended by itself with status {status}"


def restart(status: int, lived: float, failures: int) -> tuple[int, float]:
    """When a process that ended is to be started again.

    Args:
        status: its exit status, as `subprocess` tells it.
        lived: how many seconds it ran.
        failures: how often in a row it had failed to start before.

    Returns:
        How often it has failed now, and the seconds until its next start.
    """
    # One that a signal ended has met a limit while it worked, and hostile queries must not slow
    # the others down: only one that cannot start is worth waiting for.
    steady = status <= 0 or lived > _STEADY_SECONDS
    failures = 0 if steady else failures + 1
    return failures, _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]


def follow_lifeline(descriptor: int | None = None) -> None:
    """In a child: end this process as soon as its parent is gone.

    Args:
        descriptor: of the lifeline, where it is not the one that `Supervisor` hands on.
    """
    descriptor = int(os.environ[LIFELINE]) if descriptor is None else descriptor

    def follow() -> NoReturn:
        while os.read(descriptor, 1):
            pass
        os._exit(0)

    threading.Thread(target=follow, name="lifeline", daemon=True).start()
