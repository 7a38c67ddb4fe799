"""Loader of the saved queries of a folder.

A file is plain SPARQL with a flat header, and runs as it stands in any engine:

    #+ summary: Which initiatives sit at a stage now?
    #+ description: One row for each claimant's newest judgement.
    #+ tags: stage, overview
    #+ answers: CQ-01
    #+ param stage: concept stage | Only initiatives at this stage.
    #+ column initiative: The initiative.

Each parameter is one line of the body, ``VALUES ?stage { UNDEF }``, whose ``UNDEF`` (or default)
gives way to serialised terms. No other text of the query ever changes.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.model.files import files
from coprod_kg.model.schemes import Scheme, schemes
from coprod_kg.queries.body import inspect
from coprod_kg.queries.header import Mistake, read_header
from coprod_kg.queries.permitted_values import source_mistakes
from coprod_kg.queries.saved import SavedQuery, Submitted

__all__ = ["SavedQuery", "Submitted", "examine", "is_slug", "load", "load_all", "read", "views"]

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML cannot hold, so neither the catalogue in RDF/XML nor an answer can."""


def load(
    folder: Path | None = None,
    vocabulary: Mapping[str, Scheme] | None = None,
    beside: Mapping[str, SavedQuery] | None = None,
) -> Mapping[str, SavedQuery]:
    """Every saved query of a folder, by name.

    Args:
        folder: where the ``.rq`` files are; the model's own questions by default.
        vocabulary: the concept schemes; the model's own by default.
        beside: other queries that these may take values from.

    Raises:
        ModelError: names file and line of every mistake in every file.
    """
    if folder is None and vocabulary is None and beside is None:
        return _questions()
    folder = folder or files("queries") / "questions"
    vocabulary = schemes() if vocabulary is None else vocabulary
    queries: dict[str, SavedQuery] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.rq")):
        try:
            queries[path.stem] = read(path, vocabulary)
        except ModelError as error:
            mistakes.append(error.what)
    if not mistakes:
        mistakes = [
            f"{folder / name}.rq:{line}: {what}"
            for name, query in queries.items()
            for line, what in source_mistakes(query, {**(beside or {}), **queries})
        ]
    if mistakes:
        raise ModelError("\n".join(mistakes))
    return MappingProxyType(queries)


@cache
def _questions() -> Mapping[str, SavedQuery]:
    """The model's own questions."""
    return load(files("queries") / "questions")


@cache
def views() -> Mapping[str, SavedQuery]:
    """The queries that our own pages ask, by name."""
    return load(files("queries") / "views")


def load_all(own: Path | None) -> Mapping[str, SavedQuery]:
    """The model's saved queries with those of a person's own folder, which win by name.

    Raises:
        WrongUsage: there is no such folder.
        ModelError: names file and line of every mistake in every file.
    """
    model = load()
    if own and not own.is_dir():
        raise WrongUsage(f"there is no folder {own}", where="setting queries")
    return MappingProxyType({**model, **load(own, beside=model)}) if own else model


def read(path: Path, vocabulary: Mapping[str, Scheme]) -> SavedQuery:
    """One saved query from its file.

    Raises:
        ModelError: names file and line of every mistake.
    """
    query, mistakes = examine(path.stem, _text(path), vocabulary)
    if mistakes:
        raise ModelError("\n".join(f"{path}:{line}: {what}" for line, what in mistakes))
    return query


def examine(
    name: str, text: str, vocabulary: Mapping[str, Scheme] | None = None
) -> tuple[SavedQuery, list[Mistake]]:
    """A saved query as far as its text says what it is, and every mistake in it by line.

    Args:
        name: its slug.
        text: the whole text of its file.
        vocabulary: the concept schemes; the model's own by default.
    """
    header = read_header(text, schemes() if vocabulary is None else vocabulary)
    body = inspect(text, header)
    mistakes = [*header.mistakes, *body.mistakes]
    if not is_slug(name):
        mistakes.append((1, f"{name[:80]!r} is not a slug: small letters, digits and hyphens"))
    for control in _CONTROL.finditer(text):
        line = text.count("\n", 0, control.start()) + 1
        mistakes.append((line, f"the character U+{ord(control[0]):04X} has no place in a query"))
        break
    query = SavedQuery(
        name=name,
        summary=header.summary,
        description=header.description,
        tags=header.tags,
        answers=header.answers,
        parameters=header.parameters,
        columns=header.columns,
        text=text,
        form=body.form,
        slots=body.slots,
        key=header.key,
        small_counts=header.small_counts,
        summaries=tuple(header.summaries.items()),
        descriptions=tuple(header.descriptions.items()),
    )
    return query, sorted(mistakes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}:1: this is not UTF-8: {error}") from None


def is_slug(text: str) -> bool:
    """Whether it can be the name of a saved query: small letters, digits and hyphens.

    >>> [is_slug(name) for name in ("pilots-2", "..", "A", "a--b", "")]
    [True, False, False, False, False]
    """
    return _SLUG.fullmatch(text) is not None
