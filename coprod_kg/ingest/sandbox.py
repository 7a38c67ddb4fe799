"""Sandbox of untrusted files: hands them to disposable child processes.

A file that exceeds the deadline or the memory cap, or crashes a parser, ends only its child: the
file gets a clear refusal, the files after it a new child. Untrusted bytes are not parsed here.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final

from coprod_kg.errors import CoprodError, LimitReached, ModelError, TooLarge, Unreadable
from coprod_kg.ingest.outcome import Checked, Limits, SubmittedFile
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import Child, ChildExit, PreloadedModule
from coprod_kg.sandbox.limits import Death
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
) -> SubmittedFile:
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
    return SubmittedFile(path.name, content, stated, organisation)


def too_large(name: str, settings: Settings) -> TooLarge:
    """The refusal of a file over the limit."""
    return TooLarge(
        f"the file is larger than {settings.body_mb} MB",
        where=name,
        fix="Send it in parts, one organisation each, or raise the setting body-mb.",
    )


def check(
    batch: Sequence[SubmittedFile],
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
        validates: whether they are validated; the store's data was, when it was submitted.
        progress: called, from several threads, with the number of files finished since.
        budget: how long it may take in all; then one child does it.

    Raises:
        ModelError: the ontology, a shape or a rule of this installation is at fault.
        LimitReached: a child was ended from outside before it began.
    """
    if not batch:
        return []
    children = min(_MOST_CHILDREN, os.cpu_count() or 1, -(-len(batch) // _FILES_WORTH_A_CHILD))
    children = 1 if budget else children
    shares = _shares([len(file.content) for file in batch], children)
    checked: dict[int, Checked] = {}
    with ThreadPoolExecutor(children) as pool:
        for share, results in zip(
            shares,
            pool.map(
                lambda share: _share(
                    [batch[index] for index in share],
                    lambda files: _Check(files, settings, validates, budget),
                    progress,
                    budget,
                ),
                shares,
            ),
            strict=True,
        ):
            checked.update(zip(share, results, strict=True))
    return [checked[index] for index in range(len(batch))]


def _shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """The files, by their place, in shares of about as many bytes, each with its largest first.

    >>> _shares([10, 90, 20, 30, 40], 2)
    [[1, 0], [4, 3, 2]]
    """
    shares: list[list[int]] = [[] for _ in range(count)]
    bytes_in = [0] * count
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        least = bytes_in.index(min(bytes_in))
        shares[least].append(index)
        bytes_in[least] += sizes[index]
    return shares


def _share(
    files: Sequence[SubmittedFile],
    start: Callable[[Sequence[SubmittedFile]], "_Check"],
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
                done.append(Checked(refusal=child.refusal(files[len(done)].name)))
    return done


class _Check:
    """One run of `coprod_kg.ingest.child`.

    Args:
        files: what it checks, one after another.
        settings: the limits and the base IRI.
        validates: whether the files are validated.
        budget: how long it may take in all.
    """

    def __init__(
        self,
        files: Sequence[SubmittedFile],
        settings: Settings,
        validates: bool,
        budget: Budget | None,
    ) -> None:
        self._settings, self._budget = settings, budget
        self._limits = _limits(settings, budget)

        def write(job: IO[bytes]) -> None:
            header = {"base_iri": settings.base_iri, "limits": asdict(self._limits)}
            wire.write(job, {**header, "validates": validates})
            for file in files:
                details = {"stated": file.stated, "organisation": file.organisation}
                wire.write(job, {"name": file.name, **details}, [file.content])

        limits = self._limits
        prepared_with = (settings.base_iri, limits.days_ahead, limits.output_mb, validates)
        child = PreloadedModule("coprod_kg.ingest.child", (json.dumps(prepared_with),))
        self._child = Child(child, write, scratch=settings.scratch)

    def __enter__(self) -> "_Check":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.__exit__()

    def results(self) -> Iterator[Checked]:
        """The child's results, file by file, until it is done or dies."""
        messages = self._child.messages(2 * self._limits.output_mb * _MB)
        if next(messages, None) is None:
            ended = self._child.ended()
            if ended.status < 0:
                raise LimitReached(
                    "the check was ended from outside before it had read anything",
                    fix="Send it again. Where it happens often, the machine has too little memory.",
                )
            raise ModelError(
                "the check of submissions does not start",
                fix=f"Its last words: {ended.last_words or 'none'}",
            )
        for message in messages:
            yield Checked.of(*message)

    def refusal(self, name: str) -> CoprodError:
        """Why it ended over the file of that name."""
        ended = self._child.ended()
        if ended.death is Death.DEADLINE and self._budget is not None and self._budget.left <= 0:
            return self._budget.refusal(name)
        return _refusal(ended, name, self._settings)


def _limits(settings: Settings, budget: Budget | None) -> Limits:
    return Limits(
        total_seconds=None if budget is None else max(budget.left, 0.0),
        seconds=settings.submission_seconds,
        memory_mb=settings.submission_memory_mb,
        output_mb=settings.body_mb * _GROWTH,
        days_ahead=settings.days_ahead,
    )


def _refusal(ended: ChildExit, name: str, settings: Settings) -> CoprodError:
    parts = "Send it in parts, one organisation each, or raise the setting"
    match ended.death:
        case Death.DEADLINE:
            return LimitReached(
                f"reading and checking it took longer than {settings.submission_seconds:g} s",
                where=name,
                fix=f"{parts} submission-seconds.",
            )
        case None | Death.FAULT:
            return Unreadable(
                "the check broke off over it, which is a fault of this program",
                where=name,
                fix=f"Report it with the file and these words: {ended.last_words or 'none'}",
            )
        case Death.DEPTH:
            return Unreadable(
                "it is nested deeper than the parser can follow",
                where=name,
                fix="Give the inner things a name each, and say them one after the other.",
            )
    return LimitReached(
        f"reading and checking it needed more than {settings.submission_memory_mb} MB of memory",
        where=name,
        fix=f"{parts} submission-memory-mb.",
    )
