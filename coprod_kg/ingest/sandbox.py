"""Sandbox of untrusted files: hands them to disposable child processes.

A file that exceeds the deadline or the memory cap, or crashes a parser, ends only its child: the
file gets a clear refusal, the files after it a new child. Untrusted bytes are not parsed here.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from coprod_kg.errors import LimitReached, ModelError, TooLarge, Unreadable
from coprod_kg.ingest.job import Checked, Limits, Refusal, Sent, read_frame, write_frame
from coprod_kg.settings import Settings

__all__ = ["Budget", "check", "open_file", "too_large"]

_MB: Final = 2**20
_GROWTH: Final = 4
_FILES_WORTH_A_CHILD: Final = 8
_MOST_CHILDREN: Final = 4


class Budget:
    """The time that all checks of one client without a token may take together.

    A deadline of each file is not enough: a workbook falls into a part for each organisation, and
    each part is checked as a file of its own.

    Args:
        seconds: from now on.
        setting: the name of the setting that says so.
    """

    def __init__(self, seconds: float, setting: str) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._setting = setting

    @property
    def left(self) -> float:
        """Seconds that are left; none or less where it is used up."""
        return self._until - time.monotonic()

    def refusal(self, name: str) -> LimitReached:
        """The refusal of a file for which no time is left."""
        return LimitReached(
            f"without a token a check may take {self._seconds:g} s, and this one took longer",
            where=name,
            fix="Send it with a token, or check it on your own machine: coprod-kg validate. "
            f"The limit is the setting {self._setting}.",
            setting=self._setting,
        )


def open_file(
    path: Path, settings: Settings, stated: str | None = None, organisation: str | None = None
) -> Sent:
    """A file of this machine, its size looked at before it is read.

    Raises:
        TooLarge: it is larger than the limit.
        Unreadable: it cannot be opened, or is no ordinary file.
    """
    most = settings.body_mb * _MB
    if path.exists() and not path.is_file():
        raise Unreadable("this is no ordinary file", where=str(path), fix="Name a file.")
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > most:
                raise too_large(path.name, settings)
            content = file.read(most + 1)
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {error.strerror}", where=str(path)) from None
    if len(content) > most:
        raise too_large(path.name, settings)
    return Sent(path.name, content, stated, organisation)


def too_large(name: str, settings: Settings) -> TooLarge:
    """The refusal of a file over the limit."""
    return TooLarge(
        f"the file is larger than {settings.body_mb} MB",
        where=name,
        fix="Send it in parts, one organisation each, or raise the setting body-mb.",
    )


def check(
    batch: Sequence[Sent],
    settings: Settings,
    *,
    validates: bool = True,
    progress: Callable[[int], None] = lambda done: None,
    budget: Budget | None = None,
) -> list[Checked]:
    """Read, validate and reason over each file, in the order given.

    Args:
        batch: the files.
        settings: the limits and the base IRI.
        validates: whether they are validated; what the store holds was, when it came in.
        progress: told, from several threads, how many more files are done.
        budget: how long it may take in all; then one child does it.

    Raises:
        ModelError: the ontology, a shape or a rule of this installation is at fault.
        LimitReached: a child was ended from outside before it began.
    """
    if not batch:
        return []
    children = min(_MOST_CHILDREN, os.cpu_count() or 1, -(-len(batch) // _FILES_WORTH_A_CHILD))
    children = 1 if budget else children
    order = sorted(range(len(batch)), key=lambda place: -len(batch[place].content))
    shares = [order[first::children] for first in range(children)]
    checked: dict[int, Checked] = {}
    with ThreadPoolExecutor(children) as pool:
        for share, results in zip(
            shares,
            pool.map(
                lambda share: _share(
                    [batch[place] for place in share],
                    lambda files: _Child(files, settings, validates, budget),
                    progress,
                    budget,
                ),
                shares,
            ),
            strict=True,
        ):
            checked.update(zip(share, results, strict=True))
    return [checked[place] for place in range(len(batch))]


def _share(
    files: Sequence[Sent],
    start: Callable[[Sequence[Sent]], "_Child"],
    progress: Callable[[int], None],
    budget: Budget | None,
) -> list[Checked]:
    """Check one child's share; where it dies over a file, a new child takes the files after."""
    done: list[Checked] = []
    while len(done) < len(files):
        if budget is not None and budget.left <= 0:
            return done + [
                Checked(refusal=budget.refusal(file.name)) for file in files[len(done) :]
            ]
        with start(files[len(done) :]) as child:
            for checked in child.results():
                done.append(checked)
                progress(1)
            if len(done) < len(files):
                done.append(Checked(refusal=child.explain(files[len(done)].name)))
    return done


@dataclass(frozen=True, slots=True)
class _Death:
    """How a child ended."""

    signal: int | None
    messages: str


class _Child:
    """One run of `coprod_kg.ingest.child`: its own session, no shell, no inherited files."""

    def __init__(
        self, files: Sequence[Sent], settings: Settings, validates: bool, budget: Budget | None
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._limits = _limits(settings, budget)
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        with tempfile.TemporaryFile(dir=settings.scratch) as job:
            header = {"base_iri": settings.base_iri, "limits": asdict(self._limits)}
            write_frame(job, {**header, "validates": validates}, ())
            for file in files:
                stated = {"stated": file.stated, "organisation": file.organisation}
                write_frame(job, {"name": file.name, **stated}, (file.content,))
            job.seek(0)
            self._process = subprocess.Popen(  # a fixed command, no shell
                [sys.executable, "-P", "-m", "coprod_kg.ingest.child"],
                stdin=job,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                env=_environment(),
                start_new_session=True,
            )

    def __enter__(self) -> "_Child":
        return self

    def results(self) -> Iterator[Checked]:
        """The child's results, file by file, until it is done or dies."""
        stream: IO[bytes] = self._process.stdout  # type: ignore[assignment]  # it is a pipe
        if read_frame(stream, 0) is None:  # type: ignore[arg-type]  # a pipe is a binary stream
            death = self.wait()
            if death.signal is not None:
                raise LimitReached(
                    "the check was ended from outside before it had read anything",
                    fix="Send it again. Where it happens often, the machine has too little memory.",
                )
            raise ModelError(
                "the check of submissions does not start",
                fix=f"Its last words: {death.messages or 'none'}",
            )
        while frame := read_frame(stream, 2 * self._limits.output_mb * _MB):  # type: ignore[arg-type]  # likewise
            yield Checked.of(*frame)

    def wait(self) -> _Death:
        """Wait for the child (or kill it) and return how it ended."""
        if self._process.poll() is None:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
        code = self._process.wait()
        self._messages.seek(0)
        messages = self._messages.read()[-2000:].decode(errors="replace").strip()
        return _Death(-code if code < 0 else None, messages.rpartition("\n")[2])

    def explain(self, name: str) -> Refusal:
        """Why it ended over the file of that name."""
        death = self.wait()
        if self._budget is not None and self._budget.left <= 0 and death.signal == signal.SIGALRM:
            return self._budget.refusal(name)
        return _explain(death, name, self._settings)

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._messages.close()


def _limits(settings: Settings, budget: Budget | None) -> Limits:
    return Limits(
        total_seconds=None if budget is None else max(budget.left, 0.0),
        seconds=settings.submission_seconds,
        memory_mb=settings.submission_memory_mb,
        output_mb=settings.body_mb * _GROWTH,
        days_ahead=settings.days_ahead,
    )


def _environment() -> Mapping[str, str]:
    """The environment of a child: what it needs to find its modules, and none of our settings."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


def _explain(death: _Death, name: str, settings: Settings) -> Refusal:
    if death.signal == signal.SIGALRM:
        return LimitReached(
            f"reading and checking it took longer than {settings.submission_seconds:g} s",
            where=name,
            fix="Send it in parts, one organisation each, or raise the setting submission-seconds.",
        )
    if death.signal is None:
        return Unreadable(
            "the check broke off over it, which is a fault of this program",
            where=name,
            fix=f"Report it with the file and these words: {death.messages or 'none'}",
        )
    if death.signal in (signal.SIGSEGV, signal.SIGBUS):
        return Unreadable(
            "it is nested deeper than the parser can follow",
            where=name,
            fix="Give the inner things a name each, and say them one after the other.",
        )
    return LimitReached(
        f"reading and checking it needed more than {settings.submission_memory_mb} MB of memory",
        where=name,
        fix="Send it in parts, one organisation each, or raise the setting submission-memory-mb.",
    )
