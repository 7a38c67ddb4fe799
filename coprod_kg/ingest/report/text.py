"""A report, and the changes of a submission, as text for a terminal, without control characters."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from coprod_kg.ingest.history import Difference
from coprod_kg.ingest.report.wording import Problem, change_groups, problems
from coprod_kg.ingest.reported import Reported, language_of
from coprod_kg.workbook.sentences import sentence

__all__ = [
    "as_lines",
    "as_text",
]


_PLACES: Final = 4
_NAMES: Final = 8
_WIDTH: Final = 96
_MOST_UNCHANGED: Final = 2
"""The most unchanged files that are listed one by one."""

_SIGNS = {"new": "New", "gone": "Gone", "changed": "Changed"}


def as_text(files: Sequence[Reported], base_iri: str, *, dry_run: bool = False) -> str:
    """The report as lines, with control characters of the file replaced."""
    unchanged = sum(file.unchanged for file in files)
    in_one_line = unchanged > _MOST_UNCHANGED
    listed = (file for file in files if not (in_one_line and file.unchanged))
    lines = [line for file in listed for line in _file(file, base_iri)]
    if in_one_line:
        lines += [sentence("files-unchanged", language_of(files), count=unchanged), ""]
    text = "\n".join([*lines, _conclusion(files, dry_run=dry_run)])
    return _printable(text)


def _printable(text: str) -> str:
    """The text with control characters replaced: a terminal would obey them."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd"
        for character in text
    )


def _file(file: Reported, base_iri: str) -> Iterator[str]:
    language = file.language
    yield f"{file.file}{_size(file)}"
    for cause in problems(file.report, base_iri, _PLACES):
        yield from _cause(cause)
    if file.error is not None:
        where = file.error["where"]
        place = f"{where}: " if where and where != file.file else ""
        refusal = sentence("refused", language, what=f"{place}{file.error['what']}")
        yield from _wrapped(refusal, 2)
        if file.error["fix"]:
            yield from _wrapped(file.error["fix"], 2)
    elif file.unchanged:
        yield f"  {sentence('same-bytes', language)}"
    else:
        yield f"  {sentence('accepted', language)}"
    if file.error is None:
        for group in change_groups(file, base_iri, _NAMES):
            unnamed = group.count - len(group.names)
            more = f" {sentence('more', language, count=unnamed)}" if unnamed else ""
            yield from _wrapped(
                f"{group.title} ({group.count}): {', '.join(group.names)}{more}.", 2
            )
            if group.fix:
                yield from _wrapped(f"→ {group.fix}", 4)
    yield ""


def _size(file: Reported) -> str:
    names = [name for name, _ in file.organisations if name]
    language, count = file.language, file.triples
    if len(names) > 1:
        names = [sentence("organisations", language, count=len(names))]
    elif not count:
        return ""
    if not names:
        return f": {sentence('statements', language, count=count)}"
    return f": {sentence('statements-of', language, count=count, whose=names[0])}"


def _cause(cause: Problem) -> Iterator[str]:
    yield from _wrapped(f"{cause.weight} ({cause.count}): {cause.title}", 2)
    if cause.fix:
        yield from _wrapped(f"→ {cause.fix}", 4)
    for place in cause.places:
        start = " ".join(part for part in (place.spot, place.thing, place.value) if part)
        yield from _wrapped(f"{start}: {place.words}" if place.words else start, 6)
    if cause.more > 0:
        yield f"      {sentence('more', cause.language, count=cause.more)}"


def _wrapped(text: str, indent: int) -> list[str]:
    margin = " " * indent
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=margin,
        subsequent_indent=margin + "  ",
        break_on_hyphens=False,
    )


def _conclusion(files: Sequence[Reported], *, dry_run: bool) -> str:
    refused = sum(not file.accepted for file in files)
    accepted = len(files) - refused
    version = next((file.version for file in files if file.version), None)
    language = language_of(files)
    counts = sentence("accepted-of", language, accepted=accepted, all=len(files), refused=refused)
    if version is not None:
        return f"{counts} {sentence('version-holds-accepted', language, version=version)}"
    key = "nothing-changed-dry-run" if dry_run and accepted else "nothing-changed"
    return f"{counts} {sentence(key, language)}"


def as_lines(differences: Sequence[Difference]) -> str:
    """One paragraph for each resource, with control characters of the data replaced."""
    text = (
        "\n".join(line for difference in differences for line in _lines(difference))
        or "Nothing changed."
    )
    return _printable(text)


def _lines(difference: Difference) -> Iterator[str]:
    yield f"{_SIGNS[difference.kind]}: {difference.thing}"
    for sign, pairs in (("-", difference.removed), ("+", difference.added)):
        for name, value in pairs:
            yield f"  {sign} {name}: {' '.join(value.split())[:200]}"
