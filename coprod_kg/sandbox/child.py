"""A program run once as a child process: its input, its output, how it ended.

The child runs in a session of its own, without a shell; by default its environment holds only the
path of the modules. Its input is a file, so that neither process waits for the other. The child
sets its own limits (`coprod_kg.sandbox.limits`); `serve` is the child's side.
"""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from coprod_kg.errors import CoprodError
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.fork_server import ForkedChild, fork_server
from coprod_kg.sandbox.limits import Death, death, lower_priority, no_core_files, panic_in

__all__ = [
    "Child",
    "ChildExit",
    "Payloads",
    "PreloadedModule",
    "environment",
    "module",
    "run",
    "serve",
    "standard_output",
]

Payloads = tuple[dict[str, Any], Collection[bytes]]
"""A message and the bytes that go with it."""
_WORDS: Final = 1 << 16
"""Bytes of the end of its standard error that are kept."""
_LINGER_SECONDS: Final = 1.0
_PART: Final = 1 << 16
"""Bytes of its output that are read at once."""


@dataclass(frozen=True, slots=True)
class ChildExit:
    """The end of a child.

    Attributes:
        status: its exit status as `subprocess` tells it.
        stderr: the last of its standard error.
        output: its standard output, where that was read to its end.
    """

    status: int
    stderr: bytes
    output: bytes = b""

    @property
    def death(self) -> Death | None:
        """How it was ended, or None where it ended well."""
        return death(self.status, self.panic)

    @property
    def panic(self) -> str:
        """The message of the engine's panic, or an empty text."""
        return panic_in(self.stderr)

    def answer(self, most_bytes: int) -> tuple[dict[str, Any], list[bytes]] | None:
        """The message that it wrote, with its bytes; None where those are more than `most_bytes`.

        Raises:
            CoprodError: the child answered with an error.
        """
        answer = wire.read(BytesIO(self.output), most_bytes)
        if answer is not None:
            wire.raise_error(answer[0])
        return answer

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        return self.stderr.decode(errors="replace").strip().rpartition("\n")[2]


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this installation."""
    return [sys.executable, "-P", "-m", name, *arguments]


def _write_nothing(file: IO[bytes]) -> None:
    """Give a child nothing to read."""


@dataclass(frozen=True, slots=True)
class PreloadedModule:
    """A module that a fork server has loaded (`coprod_kg.sandbox.fork_server`).

    Attributes:
        module: its name; its `main` is the child's work.
        arguments: what its `prepare` is given; none where importing it is all.
    """

    module: str
    arguments: tuple[str, ...] = ()


class Child:
    """A child that runs now; a context, at whose end it is ended too.

    Args:
        command: the program and its arguments, or a module that a fork server has prepared.
        write_input: writes what the child reads from its standard input.
        environ: its whole environment; by default what it needs to find its modules.
        folder: the directory that it works in; a forked module's is that of its server.
        scratch: where what it is given lies.

    Attributes:
        output: its standard output.
    """

    def __init__(
        self,
        command: Sequence[str] | PreloadedModule,
        write_input: Callable[[IO[bytes]], object] = _write_nothing,
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        scratch: str | None = None,
    ) -> None:
        environ = environment() if environ is None else environ
        with tempfile.TemporaryFile(dir=scratch) as file:
            write_input(file)
            file.seek(0)
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
            read, write = os.pipe()
            self.output = os.fdopen(read, "rb")
            try:
                streams = (file.fileno(), write, self._stderr.fileno())
                self._process = _started(command, streams, environ, folder)
            except BaseException:  # an interrupt too must leave nothing open
                self._close()
                raise
            finally:
                os.close(write)

    def __enter__(self) -> "Child":
        return self

    def messages(self, most_bytes: int) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
        """The messages that it writes until it ends, each with at most so many bytes."""
        while (message := wire.read(self.output, most_bytes)) is not None:
            yield message

    def ended(self, seconds: float = _LINGER_SECONDS) -> ChildExit:
        """Wait for its end, and kill it after some seconds."""
        end_time = time.monotonic() + seconds
        output = self._rest(end_time)
        try:
            status = self._process.wait(max(0.0, end_time - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            output += self.output.read()
            status = self._process.wait()
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _WORDS))
        return ChildExit(status, self._stderr.read(), output)

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self.output.close()
        self._stderr.close()

    def _rest(self, end_time: float) -> bytes:
        """What it writes until it ends its output, or until a moment of the monotonic clock."""
        readable = select.poll()  # `select.select` takes no descriptor above 1,023
        readable.register(self.output, select.POLLIN)
        parts: list[bytes] = []
        while (left := end_time - time.monotonic()) > 0:
            if readable.poll(1000 * left):
                part = os.read(self.output.fileno(), _PART)
                if not part:
                    break
                parts.append(part)
        return b"".join(parts)


def _started(
    command: Sequence[str] | PreloadedModule,
    streams: tuple[int, int, int],
    environ: Mapping[str, str],
    folder: Path | None,
) -> "subprocess.Popen[bytes] | ForkedChild":
    """The child; where no fork server takes a prepared module, it is run as a program."""
    if isinstance(command, PreloadedModule):
        server = fork_server(command.module, command.arguments, environ)
        forked = server.start(streams)
        if forked is not None:
            return forked
        command = module(command.module)
    stdin, stdout, stderr = streams
    return subprocess.Popen(  # noqa: S603  # no shell
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=folder,
        env=environ,
        start_new_session=True,
    )


def run(
    command: Sequence[str] | PreloadedModule,
    write_input: Callable[[IO[bytes]], object] = _write_nothing,
    *,
    seconds: float,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> ChildExit:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        write_input: writes what it reads from its standard input.
        seconds: when it is ended from here, should it not meet its own deadline.
        environ: its whole environment; by default what it needs to find its modules.
        folder: the directory that it works in.
    """
    end_time = time.monotonic() + seconds
    with Child(command, write_input, environ=environ, folder=folder) as child:
        ended = child.ended(seconds)
    late = ended.status == -signal.SIGKILL and time.monotonic() >= end_time
    return replace(ended, status=-signal.SIGALRM) if late else ended


def standard_output() -> IO[bytes]:
    """In a child: its standard output, which a stray print does not reach from now on."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def serve(work: Callable[[dict[str, Any], list[bytes]], Payloads]) -> None:
    """In a child: answer the message on standard input; an error is answered as a message.

    Args:
        work: gives the answer; it sets its own limits.
    """
    no_core_files()
    lower_priority()
    output = standard_output()
    message = wire.read(sys.stdin.buffer, sys.maxsize)
    if message is None:
        return
    try:
        answer, payloads = work(*message)
    except MemoryError:
        os.abort()  # as Rust's allocator does
    except CoprodError as error:
        answer, payloads = wire.error_message(error), ()
    wire.write(output, answer, payloads)


def environment() -> Mapping[str, str]:
    """The environment of a child: what it needs to find its modules, and none of our settings."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }
