"""Reports on submissions as responses: JSON, Turtle, text, a marked workbook, a page."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Response, render_template, request

from coprod_kg.errors import CoprodError, UnsupportedMedia
from coprod_kg.formats.media_types import HTML, Format, Offer, negotiate, offers_by_name
from coprod_kg.ingest.history import Difference, differences
from coprod_kg.ingest.journal import JournalEntry
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.report.marks import XLSX, can_mark, marked
from coprod_kg.ingest.report.page import as_part, styles
from coprod_kg.ingest.report.text import as_lines, as_text
from coprod_kg.ingest.report.turtle import as_turtle
from coprod_kg.ingest.reported import Reported, from_table
from coprod_kg.settings import Settings
from coprod_kg.web.site import Site

__all__ = [
    "JSON",
    "WORKBOOK",
    "SentReport",
    "as_json",
    "as_page",
    "changed",
    "offers",
    "offers_named",
    "report",
]

JSON: Final = Format("json", "application/json", "rows", "JSON")
_TURTLE: Final = Format("ttl", "text/turtle", "graph", "Turtle", ("application/x-turtle",))
WORKBOOK: Final = Format("xlsx", XLSX, "rows", "workbook")
TEXT: Final = Format("txt", "text/plain", "rows", "text")
_REPORTS: Final = (JSON, _TURTLE, WORKBOOK, TEXT, HTML)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SHOWN_MB: Final = 4
_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class SentReport:
    """A report to send as the response.

    Attributes:
        table: its JSON.
        sent: the file, where it is at hand.
        status: of the response.
        dry_run: whether it was only checked.
        seconds: how long marking the file may take; None for as long as reading one.
    """

    table: dict[str, Any]
    sent: SubmittedFile | None
    status: int
    dry_run: bool = False
    seconds: float | None = None

    def marked(self, file: Reported, settings: Settings) -> bytes:
        """The workbook with its marks; see `coprod_kg.ingest.report.marks.marked`."""
        if self.sent is None:
            raise UnsupportedMedia("the file is not at hand")
        most = settings.submission_seconds
        seconds = most if self.seconds is None else max(1.0, min(most, self.seconds))
        return marked(self.sent, file, replace(settings, submission_seconds=seconds))


def offers() -> tuple[Offer, ...]:
    """The formats of a report that this request accepts, best first."""
    named = request.args.get("format")
    if named:
        return offers_named(named)
    return negotiate(request.headers.get("Accept"), _REPORTS)


def offers_named(name: str) -> tuple[Offer, ...]:
    """The format of a report that a parameter or a form names.

    Raises:
        WrongUsage: there is no such report.
    """
    found = tuple(Offer(form, form.content_type) for form in _REPORTS if form.name == name)
    return found or offers_by_name(name, _REPORTS)


def report(
    told: SentReport, wanted: Format, site: Site, record: JournalEntry | None = None
) -> Response:
    """A report as a response.

    Args:
        told: the report.
        wanted: its format.
        site: where.
        record: what the journal holds of the submission, for its page.
    """
    files, base = from_table(told.table), site.settings.base_iri
    if wanted == HTML:
        body = _html(told, site, record)
    elif wanted == _TURTLE:
        body = Response(as_turtle(files), content_type="text/turtle; charset=utf-8")
    elif wanted == TEXT:
        text = as_text(files, base, dry_run=told.dry_run)
        body = Response(text + "\n", content_type="text/plain; charset=utf-8")
    elif wanted == WORKBOOK and told.sent:
        body = Response(told.marked(files[0], site.settings), content_type=XLSX)
        body.headers["Content-Disposition"] = 'attachment; filename="to-mend.xlsx"'
    else:
        body = as_json(told.table)
    body.status_code = told.status
    body.headers["Cache-Control"] = "no-store"
    return body


def _html(told: SentReport, site: Site, record: JournalEntry | None) -> Response:
    files = from_table(told.table)
    found = differences(record, site.restricted_store, site.settings) if record else []
    return as_page(
        "submission.html",
        part=as_part(files, site.settings.base_iri),
        styles=styles(),
        record=record,
        changes=found[:_LISTED],
        more=max(0, len(found) - _LISTED),
        workbook=_workbook(told, site),
        submission=told.table["submission"],
        organisations=_organisations(told.table),
    )


def _organisations(table: dict[str, Any]) -> tuple[str, ...]:
    """The organisations whose data was committed: the last parts of their IRIs."""
    told = (member["organisation"] for file in table["files"] for member in file["organisations"])
    return tuple(dict.fromkeys(filter(None, told))) if table["version"] else ()


def _workbook(told: SentReport, site: Site) -> str | None:
    """The marked workbook as a link that needs no second request; None where there is none."""
    files = from_table(told.table)
    if not told.sent or not can_mark(told.sent) or not files[0].report.findings:
        return None
    if len(told.sent.content) > _SHOWN_MB << 20:
        return None
    try:
        made = told.marked(files[0], site.settings)
    except CoprodError:
        return None
    return f"data:{XLSX};base64,{base64.b64encode(made).decode()}"


def changed(name: str, found: Sequence[Difference]) -> Response:
    """What a submission changed, as text or JSON."""
    if negotiate(request.headers.get("Accept"), (JSON, TEXT))[0].format == TEXT:
        return Response(as_lines(found) + "\n", content_type="text/plain; charset=utf-8")
    return as_json({"submission": name, "changes": [difference.as_dict() for difference in found]})


def as_page(template: str, **shown: Any) -> Response:
    """A page that holds data of one client, with scripts of our own."""
    response = Response(render_template(template, **shown), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def as_json(table: dict[str, Any], status: int = 200) -> Response:
    """A document in JSON."""
    text = json.dumps(table, ensure_ascii=False, indent=2) + "\n"
    return Response(text, status=status, content_type="application/json")
