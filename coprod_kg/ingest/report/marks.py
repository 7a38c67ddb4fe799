"""The sender's workbook with its findings marked, made in a child process.

The work is done by `coprod_kg.ingest.report.marked_workbook`, a child process with a deadline and a
memory cap: the library that writes workbooks also reads this one, and a stranger made it.
"""

from pathlib import PurePath
from typing import Final

from coprod_kg.errors import CoprodError, LimitReached, UnsupportedMedia
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.report.wording import Problem, problems
from coprod_kg.ingest.reported import Reported
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import PreloadedModule, run
from coprod_kg.settings import Settings
from coprod_kg.validation.report import Severity, Spot
from coprod_kg.workbook.sentences import sentence

__all__ = ["XLSX", "can_mark", "marked"]

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HTML: Final = "See the report as a page instead (--format html, or Accept: text/html)."
_MOST_MARKS: Final = 20_000
_PLACES: Final = 5
_GRACE_SECONDS: Final = 60.0


def can_mark(sent: SubmittedFile) -> bool:
    """Whether a file is a workbook, which can be given back."""
    stated = (sent.stated or "").partition(";")[0].strip().lower()
    ending = PurePath(sent.name).suffix.lower()
    return sent.content.startswith(b"PK") and (stated in (XLSX, "xlsx") or ending == ".xlsx")


def marked(sent: SubmittedFile, file: Reported, settings: Settings) -> bytes:
    """The workbook with the cells of the findings coloured and commented, and a summary sheet.

    Args:
        sent: the workbook as it was sent.
        file: the report on it.
        settings: the limits.

    Raises:
        UnsupportedMedia: it is no workbook, or holds what would be lost on the way.
        LimitReached: it took too long or needed too much memory.
    """
    if not can_mark(sent):
        raise UnsupportedMedia("only an .xlsx workbook is given back marked", fix=_HTML)
    limits = {"seconds": settings.submission_seconds, "memory_mb": settings.submission_memory_mb}
    job = {"limits": limits, **_job_texts(file, settings)}
    ended = run(
        PreloadedModule("coprod_kg.ingest.report.marked_workbook"),
        lambda pipe: wire.write(pipe, job, [sent.content]),
        seconds=settings.submission_seconds + _GRACE_SECONDS,
    )
    if ended.status < 0:
        raise LimitReached("marking the workbook took too long or too much memory", fix=_HTML)
    try:
        answer = ended.answer(8 * settings.body_mb << 20)
    except CoprodError as error:
        raise _unmarked(error.what) from None
    if answer is None:
        raise _unmarked("it cannot be written back")
    return answer[1][0]


def _unmarked(why: str) -> UnsupportedMedia:
    return UnsupportedMedia(f"the workbook is not given back marked: {why}", fix=_HTML)


def _link(spot: Spot | None) -> str:
    """The address of a place within the workbook, for a hyperlink."""
    if spot is None or not spot.sheet or not spot.cell:
        return ""
    quoted = spot.sheet.replace("'", "''")
    return f"'{quoted}'!{spot.cell}"


def _job_texts(file: Reported, settings: Settings) -> dict[str, object]:
    """The texts that are written into the workbook, in the language of its findings."""
    language = file.language
    marks = [
        {
            "spot": finding.spot.as_dict(),
            "severity": finding.severity,
            "text": " ".join(part for part in (finding.message, finding.fix or "") if part),
        }
        for finding in file.report.findings
        if finding.spot and finding.spot.sheet
    ]
    causes = [
        {
            "weight": problem.weight,
            "severity": problem.severity,
            "count": problem.count,
            "title": problem.title,
            "fix": problem.fix
            or (problem.places[0].words if problem.count == 1 and problem.places else "")
            or sentence("see-comments", language),
            "where": _places(problem, language),
            "link": _link(problem.first),
        }
        for problem in problems(file.report, settings.base_iri, _PLACES)
    ]
    legend = [sentence(key, language) for key in ("colours", "how-marked")]
    headings = sentence("marked-headings", language).split(" | ")
    return {
        "marks": marks[:_MOST_MARKS],
        "causes": causes,
        "head": [_verdict(file, language), *legend],
        "headings": headings,
    }


def _places(problem: Problem, language: str) -> str:
    spots = [place.spot for place in problem.places if place.spot]
    listed, more = ", ".join(spots), problem.count - len(spots)
    return sentence("and-more", language, places=listed, count=more) if spots and more else listed


def _verdict(file: Reported, language: str) -> str:
    if not file.error:
        return sentence("acceptable", language)
    count = file.report.count(Severity.VIOLATION)
    if count and language != "en":
        return sentence("findings-first", language, count=count)
    return sentence("not-accepted", language, what=file.error["what"])
