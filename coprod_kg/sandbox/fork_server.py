"""Fork server: a process that has loaded what a child needs, and forks the child at once.

The modules and the model of a check take a second of processor time, its work on a small file a
tenth of that. A server loads them once (`prepare` in the child's module) and is then asked for
children; each is a fork with streams, limits and an end of its own. It has one thread, as `fork`
demands. It ends with the process that it serves, and after `IDLE_SECONDS` without work, so that an
idle service keeps no memory for it.

Usage, by `ForkServer` alone: python -m coprod_kg.sandbox.fork_server CONTROL MODULE ARGUMENT…
"""

import atexit
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from coprod_kg.sandbox import forwarder

__all__ = ["IDLE_SECONDS", "ForkServer", "fork_server"]

IDLE_SECONDS: Final = 60.0
_TRUSTED_SECONDS: Final = IDLE_SECONDS / 2
"""After so long without use a server is taken for one that may end at any moment."""


class ForkServer:
    """The owner's side of a fork server.

    Args:
        module: the child's module; its `main` is the child's work.
        arguments: what its `prepare` is given; none where importing it is all.
        environment: the server's whole environment, and so each child's.
    """

    def __init__(
        self, module: str, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        self._module, self._arguments, self._environment = module, arguments, environment
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_used = 0.0
        self._lock = threading.Lock()
        atexit.register(self.close)

    @contextmanager
    def link(self) -> Iterator[tuple[list[str], int]]:
        """Ask the server for a child; the context is to start it within.

        Gives a command and the descriptor it must inherit. The command runs `forwarder`, which the
        caller starts, waits for and kills as if it were the child: it hands its own standard
        streams to the server, whose fork works on them, and ends as that one ends.
        """
        forwarder_end, server_end = socket.socketpair()
        with forwarder_end, server_end:
            with self._lock:
                try:
                    socket.send_fds(self._running(), [b"."], [server_end.fileno()])
                except OSError:  # it has ended: the forwarder runs the child without it
                    self._stop()
                self._last_used = time.monotonic()
            server_end.close()
            yield (
                [
                    *(sys.executable, "-I", "-S", str(Path(forwarder.__file__))),
                    *(str(forwarder_end.fileno()), sys.executable, "-P", "-m", self._module),
                ],
                forwarder_end.fileno(),
            )

    def close(self) -> None:
        """End the server; the children that it forked go on."""
        with self._lock:
            self._stop()

    def _running(self) -> socket.socket:
        if self._control is None or time.monotonic() - self._last_used > _TRUSTED_SECONDS:
            self._stop()
            self._control, server_end = socket.socketpair()
            with server_end:
                self._process = subprocess.Popen(  # noqa: S603  # no shell
                    [
                        *(sys.executable, "-P", "-m", __name__),
                        *(str(server_end.fileno()), self._module, *self._arguments),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environment,
                    pass_fds=(server_end.fileno(),),
                    start_new_session=True,
                )
        return self._control

    def _stop(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


_servers: dict[tuple[object, ...], ForkServer] = {}
_lock = threading.Lock()


def fork_server(
    module: str, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> ForkServer:
    """This process's server for such children; one for each environment and what is prepared."""
    key = (os.getpid(), module, arguments, *sorted(environment.items()))
    with _lock:
        if key not in _servers:
            _servers[key] = ForkServer(module, arguments, environment)
        return _servers[key]


def main(control: socket.socket, name: str, *arguments: str) -> None:
    """Load a child's module, then fork a child for each link that comes, until none will."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = import_module(name)
    if arguments:
        child.prepare(*arguments)
    gc.collect()
    gc.freeze()  # what is loaded stays where it is: a fork then shares its memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the watching processes are not waited for
    control.settimeout(IDLE_SECONDS)
    while True:
        try:
            _, links, _, _ = socket.recv_fds(control, 1, 1)
        except TimeoutError:
            return
        if not links:
            return  # the owner has ended
        with socket.socket(fileno=links[0]) as link:
            if not os.fork():
                control.close()
                _watch(link, name)


def _watch(link: socket.socket, name: str) -> None:
    """The whole life of the process between server and child: it reports the end of the child.

    One for each child, so that a child is waited for although the server has one thread.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(link, 1, 3)
    if len(streams) < 3:
        os._exit(0)  # the forwarder has ended
    link.send(b"+")
    watch, lifeline = os.pipe()  # `watch` is readable once the child's `lifeline` is closed
    process = os.fork()
    if not process:
        _work(name, streams, lifeline)
    os.closerange(0, 3)
    for descriptor in (*streams, lifeline):
        os.close(descriptor)
    ready, _, _ = select.select([link.fileno(), watch], [], [])
    if watch not in ready:  # the forwarder was killed
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(OSError):
        link.send(status.to_bytes(forwarder.STATUS_BYTES, "big", signed=True))
    os._exit(0)


def _work(name: str, streams: list[int], lifeline: int) -> None:
    """The whole life of the child."""
    status = 1
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.dup2(lifeline, 3, inheritable=False)  # its end is the sign of this process's end
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        import_module(name).main()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:])
