"""Parent of the query workers: it loads their code once, forks them, and forks anew those that end.

Forks share the memory of what is loaded, and each starts in milliseconds. The parent has one
thread, as `fork` demands. It passes on what its workers write to their standard error and records
how they ended (`exits`), since only a parent learns that. They end with it, and it with its own
parent.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from coprod_kg.sandbox.limits import no_core_files, panic_in
from coprod_kg.store import worker
from coprod_kg.store.exits import forget_exit, record_exit
from coprod_kg.store.in_memory import InMemory
from coprod_kg.store.supervisor import LIFELINE, restart

__all__ = ["environ", "keep", "main"]

_PLACES: Final = "COPROD_WORKERS"
_PIECE: Final = 1 << 16


@dataclass(slots=True)
class _Place:
    """The place of one worker: when one ends, the next takes it.

    Attributes:
        lane: the file of its lane.
        listening: the descriptor of the socket on which it waits for queries.
        pid: the number of its process; 0 while there is none.
        errors: the descriptor at which its standard error is read.
        last: the end of that.
        started: when it was forked, and when the next one may be.
        failures: how many in a row ended by themselves soon after their start.
    """

    lane: Path
    listening: int
    pid: int = 0
    errors: int = -1
    last: bytes = b""
    started: float = 0.0
    failures: int = 0


def environ(places: Sequence[tuple[Path, int]]) -> Mapping[str, str]:
    """The environment variables that tell the parent which workers to fork.

    Args:
        places: for each the file of its lane, and the descriptor of its listening socket.
    """
    return {_PLACES: json.dumps([[str(lane), listening] for lane, listening in places])}


class _Parent:
    """The parent's state.

    Args:
        run: the runtime directory.
        places: those of the workers.
        copy: a version in memory, which they share.
    """

    def __init__(self, run: Path, places: Sequence[_Place], copy: InMemory | None) -> None:
        self._run = run
        self._places = places
        self._copy = copy
        self._selector = selectors.DefaultSelector()
        self._alive, self._held = os.pipe()  # the workers' lifeline, of which this end is held here
        woken, wake = socket.socketpair()
        for end in (woken, wake):
            end.setblocking(False)
        self._woken, self._wake = woken, wake

    def serve(self, lifeline: int) -> None:
        """Keep the workers until this process is asked to end, or its parent ended."""
        ending: list[int] = []
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
        signal.set_wakeup_fd(self._wake.fileno())
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(lifeline, selectors.EVENT_READ)
        while not ending:
            now = time.monotonic()
            for place in self._places:
                if not place.pid and place.started <= now:
                    self._fork(place)
            waiting = [place.started - now for place in self._places if not place.pid]
            for key, _ in self._selector.select(min(waiting, default=None)):
                if key.fd == lifeline:
                    ending.append(1)
                elif key.data is None:
                    self._woken.recv(_PIECE)
                else:
                    self._pass_on(key.data)
            self._reap()
        signal.set_wakeup_fd(-1)  # nobody is there to be woken any more
        alive = [place.pid for place in self._places if place.pid]
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        for pid in alive:  # none may write into the runtime directory, which goes next
            os.waitpid(pid, 0)

    def _fork(self, place: _Place) -> None:
        place.errors, written = os.pipe()
        place.last, place.started = b"", time.monotonic()
        place.pid = os.fork()
        if not place.pid:
            self._work(place, written)
        forget_exit(self._run, place.pid)
        os.close(written)
        os.set_blocking(place.errors, False)
        self._selector.register(place.errors, selectors.EVENT_READ, place)

    def _work(self, place: _Place, written: int) -> NoReturn:
        """The whole life of a worker."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(written, 2)
            kept = {0, 1, 2, self._alive, place.listening}
            # An inherited end of a pipe would keep it open when its owner ends.
            for descriptor in {int(name) for name in os.listdir("/dev/fd")} - kept:
                with suppress(OSError):
                    os.close(descriptor)
            listening = socket.socket(fileno=place.listening)
            worker.main(listening, place.lane, self._alive, self._copy)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(status)

    def _pass_on(self, place: _Place) -> None:
        """Pass on what a worker wrote to its standard error."""
        with suppress(BlockingIOError):
            while piece := os.read(place.errors, _PIECE):
                os.write(2, piece)
                place.last = (place.last + piece)[-_PIECE:]
            self._hear_no_more(place)

    def _hear_no_more(self, place: _Place) -> None:
        if place.errors >= 0:
            self._selector.unregister(place.errors)
            os.close(place.errors)
            place.errors = -1

    def _reap(self) -> None:
        """Record how the workers ended that did."""
        for place in self._places:
            if not place.pid:
                continue
            pid, waited = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            if place.errors >= 0:
                self._pass_on(place)
                self._hear_no_more(place)
            status = os.waitstatus_to_exitcode(waited)
            record_exit(self._run, pid, status, panic_in(place.last))
            now = time.monotonic()
            place.failures, seconds = restart(status, now - place.started, place.failures)
            place.pid, place.started = 0, now + seconds


def keep(
    run: Path, places: Sequence[tuple[Path, int]], lifeline: int, copy: InMemory | None = None
) -> None:
    """Keep workers until this process is asked to end, or its parent ended.

    Args:
        run: the runtime directory.
        places: for each the file of its lane, and the descriptor of its listening socket.
        lifeline: the descriptor that can be read at its end when the parent has left.
        copy: a version in memory, which the workers share.
    """
    gc.collect()
    gc.freeze()  # what is loaded stays where it is: a fork then shares its memory
    _Parent(run, [_Place(*place) for place in places], copy).serve(lifeline)


def main() -> None:
    """Keep the workers until the parent leaves."""
    no_core_files()
    told = json.loads(os.environ[_PLACES])
    places = [(Path(lane), listening) for lane, listening in told]
    keep(Path(os.environ["COPROD_RUN"]), places, int(os.environ[LIFELINE]))


if __name__ == "__main__":
    main()
