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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

__all__ = ["IDLE_SECONDS", "ForkServer", "ForkedChild", "fork_server"]

IDLE_SECONDS: Final = 60.0
_TRUSTED_SECONDS: Final = IDLE_SECONDS / 2
"""After so long without use a server is taken for one that may end at any moment."""
_LOADING_SECONDS: Final = 120.0
"""How long a server may take to load its module, on a busy machine."""
_STATUS_BYTES: Final = 4


class ForkedChild:
    """The owner's side of a child that a fork server forked; has what a `subprocess.Popen` has.

    Args:
        link: the socket to the process that watches the child. Its end is the child's too, so that
            no child outlives its owner.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it runs still after so many seconds.
        """
        if self.returncode is None:
            readable = select.poll()  # `select.select` takes no descriptor above 1,023
            readable.register(self._link, select.POLLIN)
            if not readable.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired("child", timeout or 0)
            status_bytes = self._link.recv(_STATUS_BYTES)
            self.returncode = (
                int.from_bytes(status_bytes, "big", signed=True)
                if status_bytes
                else -signal.SIGKILL  # its watching process was killed
            )
            self._link.close()
        return self.returncode

    def kill(self) -> None:
        """End it."""
        if self.returncode is None:
            with suppress(OSError):  # it has ended
                self._link.shutdown(socket.SHUT_WR)


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

    def start(self, streams: Sequence[int]) -> ForkedChild | None:
        """Have a child forked; None where the server has ended or does not start.

        Args:
            streams: the descriptors of its standard streams.
        """
        link, server_end = socket.socketpair()
        try:
            with server_end:
                self._hand_over(server_end)
            socket.send_fds(link, [b"."], streams)
            link.settimeout(_LOADING_SECONDS)
            accepted = link.recv(1)
            link.settimeout(None)
        except OSError:
            accepted = b""
        if accepted:
            return ForkedChild(link)
        link.close()
        return None

    def _hand_over(self, server_end: socket.socket) -> None:
        """Give the server its end of a child's link; raises OSError where it has ended."""
        with self._lock:
            try:
                socket.send_fds(self._running(), [b"."], [server_end.fileno()])
            except OSError:  # it has ended: the next child gets another server
                self._stop()
                raise
            self._last_used = time.monotonic()

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
    signal.signal(signal.SIGCHLD, _reap)
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


def _reap(*_: object) -> None:
    """Wait for the watching processes that have ended, so that their processor time is counted.

    Were they ignored, what children take would be in no sum of a process and its descendants.
    """
    with suppress(ChildProcessError):  # none is left
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _watch(link: socket.socket, name: str) -> None:
    """The whole life of the process between server and child: it reports the end of the child.

    One for each child, so that a child is waited for although the server has one thread.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(link, 1, 3)
    if len(streams) < 3:
        os._exit(0)  # the owner has ended
    try:
        link.send(b"+")
    except OSError:
        os._exit(0)  # the owner has ended, or waits no longer
    watch, lifeline = os.pipe()  # `watch` is readable once the child's `lifeline` is closed
    process = os.fork()
    if not process:
        _work(name, streams, lifeline)
    os.closerange(0, 3)
    for descriptor in (*streams, lifeline):
        os.close(descriptor)
    ready, _, _ = select.select([link.fileno(), watch], [], [])
    if watch not in ready:  # the owner has ended, or ends the child
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(OSError):
        link.send(status.to_bytes(_STATUS_BYTES, "big", signed=True))
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
