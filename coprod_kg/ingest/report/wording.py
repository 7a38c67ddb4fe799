"""Wording of a report: findings grouped by cause, with their places, short and escaped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from coprod_kg.ingest.changes import ResourceChange
from coprod_kg.ingest.reported import Reported
from coprod_kg.model.namespaces import shorten
from coprod_kg.validation.report import TABLE, Cause, Finding, Report, Severity, Spot
from coprod_kg.workbook.sentences import sentence, title

__all__ = ["ChangeGroup", "Problem", "ProblemPlace", "change_groups", "problems", "shown_value"]

_LONGEST: Final = 80
_TEXT: Final = re.compile(r'"(.*)"(?:\^\^\S+|@[a-z-]+)?$', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProblemPlace:
    """One place where something is wrong.

    Attributes:
        spot: the cell or line, or an empty text.
        thing: the thing and property, where there is no cell.
        value: the value there, or an empty text.
        words: what is wrong and what to do, where that differs from place to place.
    """

    spot: str
    thing: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, as often as it occurs.

    Attributes:
        severity: how much it weighs.
        count: how often it occurs.
        title: what is wrong.
        fix: what to do, where that is the same everywhere.
        permitted: the values that may stand there, where they are few and no other text has them.
        places: the first places.
        first: the first of them as a place in a file.
        language: the language of its texts.
    """

    severity: Severity
    count: int
    title: str
    fix: str
    permitted: tuple[str, ...]
    places: tuple[ProblemPlace, ...]
    first: Spot | None = None
    language: str = "en"

    @property
    def weight(self) -> str:
        """The severity in words for readers who do not know SHACL."""
        return sentence(self.severity.lower(), self.language)

    @property
    def more(self) -> int:
        """How many places are not among those shown."""
        return self.count - len(self.places)


_CHANGES: Final = ("added", "changed", "renamed", "removed", "kept")


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Resources that a submission adds, changes, renames, removes or leaves.

    Attributes:
        kind: ``added``, ``changed``, ``renamed``, ``removed`` or ``kept``.
        title: what becomes of them.
        count: how many they are.
        names: the first of them.
        fix: what to do where that is not meant, or an empty text.
    """

    kind: str
    title: str
    count: int
    names: tuple[str, ...]
    fix: str


def change_groups(file: Reported, base_iri: str, most: int) -> list[ChangeGroup]:
    """The changes to the resources of a file, in words."""
    stem = f"{base_iri}id/"
    partial = len(file.organisations) > 1
    return [
        ChangeGroup(
            kind,
            sentence(f"change-{kind}", file.language),
            len(changes),
            tuple(_change_text(change, stem) for change in changes[:most]),
            sentence("change-kept-fix", file.language) if partial and kind == "kept" else "",
        )
        for kind in _CHANGES
        if (changes := getattr(file.changes, kind))
    ]


def _change_text(change: ResourceChange, stem: str) -> str:
    name = change.iri.removeprefix(stem)
    kind = name.partition("/")[0].replace("-", " ")
    how = f"{change.before.removeprefix(stem)} → {name}" if change.before else kind
    return f"{change.name} ({how})"


def problems(report: Report, base_iri: str, places: int) -> list[Problem]:
    """The causes of a report in words, the weightiest first.

    Args:
        report: the findings.
        base_iri: what is left out of the names of things.
        places: the most places that are named for one cause.
    """
    return [_problem(cause, base_iri, places) for cause in report.causes()]


def _problem(cause: Cause, base_iri: str, places: int) -> Problem:
    first = cause.findings[0]
    same_texts = all(
        (finding.message, finding.fix) == (first.message, first.fix) for finding in cause.findings
    )
    title_text = first.message if same_texts else _title(cause, first.spot)
    in_table = cause.shape.startswith(TABLE)
    same_fix = same_texts or (
        in_table and all(finding.fix == first.fix for finding in cause.findings)
    )
    permitted = {finding.permitted for finding in cause.findings}
    told = [f"{finding.message} {finding.fix or ''}" for finding in cause.findings]
    values = next(iter(permitted)) if len(permitted) == 1 else ()
    return Problem(
        cause.severity,
        cause.count,
        title_text,
        (first.fix or "") if same_fix else "",
        # "Write one of: ..." has them already.
        () if all(value in text for text in told for value in values) else values,
        tuple(
            _where(finding, base_iri, "" if same_fix else _rest(finding, title_text))
            for finding in _distinct(cause.findings, places)
        ),
        first.spot,
        first.language,
    )


def _distinct(findings: Sequence[Finding], most: int) -> list[Finding]:
    """The first findings, each place once."""
    seen: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.spot, finding.focus, finding.value), finding)
        if len(seen) == most:
            break
    return list(seen.values())


def _title(cause: Cause, spot: Spot | None) -> str:
    language = cause.findings[0].language
    text = title(cause.shape.removeprefix(TABLE), language) or cause.message.rstrip(".")
    if not cause.shape.startswith(TABLE):
        return cause.message
    if spot and spot.column:
        slots = {"title": text, "column": spot.column, "sheet": spot.sheet or ""}
        return sentence("in-column-of-sheet", language, **slots)
    return f"{text}."


def _rest(finding: Finding, title: str) -> str:
    """The words about one place that the title of its cause does not have."""
    message = "" if finding.message == title else finding.message
    return " ".join(part for part in (message, finding.fix or "") if part)


def _where(finding: Finding, base_iri: str, words: str) -> ProblemPlace:
    in_table = bool(finding.spot and finding.spot.sheet)
    thing = (
        ""
        if in_table or finding.focus == f"{base_iri}id/"
        else shown_value(finding.focus, base_iri)
    )
    if finding.path and not in_table:
        thing += f" {shown_value(finding.path, base_iri)}"
    value = shown_value(finding.value, base_iri) if finding.value else ""
    if value and thing.endswith(f" {value}"):  # the property itself is what is wrong
        value = ""
    if in_table:  # the cell shows a name where the value is an IRI
        text = _TEXT.match(value)
        value = f"“{text[1]}”" if text else ""
    return ProblemPlace(str(finding.spot or ""), thing, value, words)


def shown_value(text: str, base_iri: str) -> str:
    """A term as Turtle writes it, in the short form that people know."""
    value, separator, datatype = text.rpartition("^^<")
    if separator:
        short = f"{value}^^{shorten(datatype[:-1])}"
    else:
        bare = text[1:-1] if text.startswith("<") else text
        if bare.startswith(f"{base_iri}.well-known/genid/"):
            short = "[…]"  # a node without a name in the file
        elif bare.startswith(f"{base_iri}id/"):
            short = f"<{bare.removeprefix(base_iri)}>"
        else:
            short = shorten(bare) if bare != text or "://" in text[:10] else text
    return short if len(short) <= _LONGEST else f"{short[:_LONGEST]}…"
