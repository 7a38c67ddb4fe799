"""Routes of ``/submissions``: send a file, read its report, compare it, roll it back.

Files are read and checked in child processes with a deadline and a memory cap.
"""

import base64
import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from coprod_kg import errors as house_errors
from coprod_kg.access import Role, hidden
from coprod_kg.errors import CoprodError, UnsupportedMedia
from coprod_kg.formats.media_types import HTML, Format
from coprod_kg.formats.negotiation import Offer, negotiate, offers_by_name
from coprod_kg.ingest.history import differences, roll_back, settled
from coprod_kg.ingest.journal import Journal, JournalEntry
from coprod_kg.ingest.outcome import Sent
from coprod_kg.ingest.report.differences import as_lines
from coprod_kg.ingest.report.marks import XLSX, can_mark, marked
from coprod_kg.ingest.report.page import as_part, styles
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.report.turtle import as_turtle
from coprod_kg.ingest.reported import Reported, as_table, from_table
from coprod_kg.ingest.sandbox import Budget
from coprod_kg.ingest.submit import Progress, SubmitOptions, submit
from coprod_kg.settings import Settings
from coprod_kg.store.base import RestrictedStore
from coprod_kg.web import preconditions
from coprod_kg.web.authorisation import holder
from coprod_kg.web.protocol import FORM
from coprod_kg.web.request_log import exchange
from coprod_kg.web.site import Site
from coprod_kg.web.upload import grant_of_field, may_change, sender_of, upload

__all__ = ["blueprint"]

_JSON: Final = Format("json", "application/json", "rows", "JSON")
_TURTLE: Final = Format("ttl", "text/turtle", "graph", "Turtle", ("application/x-turtle",))
_WORKBOOK: Final = Format("xlsx", XLSX, "rows", "workbook")
_TEXT: Final = Format("txt", "text/plain", "rows", "text")
_REPORTS: Final = (_JSON, _TURTLE, _WORKBOOK, _TEXT, HTML)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SHOWN_MB: Final = 4
_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class _Told:
    """A report to send as the response.

    Attributes:
        table: its JSON.
        sent: the file, where it is at hand.
        status: of the response.
        dry_run: whether it was only checked.
        seconds: how long marking the file may take; None for as long as reading one.
    """

    table: dict[str, Any]
    sent: Sent | None
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


def blueprint(site: Site) -> Blueprint:
    """The routes of submissions."""
    routes = Blueprint("submissions", __name__)
    path = "/submissions/<name>"
    for rule, method, view in (
        ("/submissions", "GET", partial(_list, site)),
        ("/submissions", "POST", partial(_post, site)),
        (path, "GET", partial(_show, site)),
        (f"{path}/changes", "GET", partial(_changes, site)),
        (f"{path}/rollback", "POST", partial(_rollback, site)),
    ):
        routes.add_url_rule(
            rule, endpoint=f"{method} {rule}".replace(".", ""), view_func=view, methods=[method]
        )
    return routes


def _list(site: Site) -> Response:
    """What was submitted, the newest first, and the form to send a file."""
    found = negotiate(request.headers.get("Accept"), (_JSON, HTML))
    newest = islice(Journal(site.settings.data).records(exchange(request).hidden), _LISTED)
    records = settled(newest, site.store, site.settings.base_iri)
    if found[0].format == HTML:
        closed = site.settings.read_access == "token"
        return _page("submissions.html", records=records, version=site.version(), closed=closed)
    return _json({"submissions": [record.summary() for record in records]})


def _post(site: Site) -> Response:
    """Check a file, and commit it where that is wanted and it may enter."""
    offers = _offers()
    preconditions.check((), "The list of submissions")  # it has no strong tag
    given = upload(request, site.tokens, closed=site.settings.read_access == "token")
    if given.answer:
        offers = _named(given.answer)
    grant = given.grant
    given.check_size(given.size, site.settings)
    with site.checking(grant):
        budget = None if grant else Budget(site.settings.open_check_seconds, "open-check-seconds")
        way = SubmitOptions(
            dry_run=given.dry_run,
            patch=given.patch,
            own_only=grant is None or grant.role is Role.CONTRIBUTOR,
            progress=Progress(budget=budget),
        )
        sender, sent = sender_of(grant) if grant else None, given.read(site.settings)
        data = hidden(site.private.hidden_from(grant), site.settings.base_iri)
        seen = RestrictedStore(site.store, data, reserved=grant is not None)
        outcomes = submit([sent], seen, site.settings, sender, way)
        table = as_table(outcomes)
        status = _status(table, dry_run=given.dry_run)
        told = _Told(table, sent, status, given.dry_run, budget.left if budget else None)
        response = _report(told, offers, site)
    if table["submission"]:
        response.headers["Location"] = f"/submissions/{table['submission']}"
    if table["version"]:
        response.headers["Dataset-Version"] = str(table["version"])
    return response


def _show(site: Site, name: str) -> Response:
    """The report on a submission."""
    journal = Journal(site.settings.data)
    record = _record(site, name)
    digest = next((file["sha256"] for file in record.report["files"] if file["sha256"]), None)
    sent = None
    if len(record.report["files"]) == 1 and digest and not record.undoes:
        sent = Sent(record.report["files"][0]["file"], journal.bytes_of(digest))
    offers = _offers()
    seconds = None if holder(request, site.tokens) else site.settings.open_check_seconds
    told = _Told(record.report, sent, 200, seconds=seconds)
    # To compare and to mark takes as much as to check; the other reports are only written out.
    with site.checking() if offers[0].format in (HTML, _WORKBOOK) else nullcontext():
        return _report(told, offers, site, record)


def _changes(site: Site, name: str) -> Response:
    """What a submission changed against the one before, in words."""
    record = _record(site, name)
    with site.checking():
        found = differences(record, site.seen, site.settings)
    if negotiate(request.headers.get("Accept"), (_JSON, _TEXT))[0].format == _TEXT:
        return Response(as_lines(found) + "\n", content_type="text/plain; charset=utf-8")
    return _json({"submission": name, "changes": [difference.as_dict() for difference in found]})


def _rollback(site: Site, name: str) -> Response:
    """Take a submission back, as a new version; its page sends the token as a field of a form."""
    record = _record(site, name)
    held = holder(request, site.tokens)
    if held is None and request.mimetype == FORM:
        token = request.form.get("token", "").strip()
        held = grant_of_field(token, site.tokens) if token else None
    grant = may_change(held, record.organisations)
    preconditions.check((), f"The submission {name}")  # it has no strong tag
    wanted = negotiate(request.headers.get("Accept"), (_JSON, HTML))  # refused before it is done
    made = roll_back(name, site.seen, site.settings, sender_of(grant))
    if wanted[0].format == HTML:
        return Response(status=303, headers={"Location": f"/submissions/{made.id}"})
    response = _json(made.summary(), 201)
    response.headers["Location"] = f"/submissions/{made.id}"
    response.headers["Dataset-Version"] = str(made.version)
    return response


def _record(site: Site, name: str) -> JournalEntry:
    record = Journal(site.settings.data).read(name, exchange(request).hidden)
    return settled([record], site.store, site.settings.base_iri)[0]


def _offers() -> tuple[Offer, ...]:
    named = request.args.get("format")
    if named:
        return _named(named)
    return negotiate(request.headers.get("Accept"), _REPORTS)


def _named(name: str) -> tuple[Offer, ...]:
    """The format of a report that a parameter or a form names.

    Raises:
        WrongUsage: there is no such report.
    """
    found = tuple(Offer(form, form.content_type) for form in _REPORTS if form.name == name)
    return found or offers_by_name(name, _REPORTS)


def _status(table: dict[str, Any], *, dry_run: bool) -> int:
    """201 where it entered, 200 where nothing had to be done, else the status of the refusal."""
    error = next((file["error"] for file in table["files"] if file["error"]), None)
    if error:
        kind: type[CoprodError] = getattr(house_errors, error["kind"], CoprodError)
        return kind.status
    return 201 if table["submission"] and not dry_run else 200


def _report(
    told: _Told, offers: tuple[Offer, ...], site: Site, record: JournalEntry | None = None
) -> Response:
    files, base = from_table(told.table), site.settings.base_iri
    wanted = offers[0].format
    if wanted == HTML:
        body = _html(told, site, record)
    elif wanted == _TURTLE:
        body = Response(as_turtle(files), content_type="text/turtle; charset=utf-8")
    elif wanted == _TEXT:
        text = as_text(files, base, dry_run=told.dry_run)
        body = Response(text + "\n", content_type="text/plain; charset=utf-8")
    elif wanted == _WORKBOOK and told.sent:
        body = Response(told.marked(files[0], site.settings), content_type=XLSX)
        body.headers["Content-Disposition"] = 'attachment; filename="to-mend.xlsx"'
    else:
        body = _json(told.table)
    body.status_code = told.status
    body.headers["Cache-Control"] = "no-store"
    return body


def _html(told: _Told, site: Site, record: JournalEntry | None) -> Response:
    files = from_table(told.table)
    found = differences(record, site.seen, site.settings) if record else []
    return _page(
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


def _workbook(told: _Told, site: Site) -> str | None:
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


def _page(template: str, **shown: Any) -> Response:
    response = Response(render_template(template, **shown), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(table: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(table, ensure_ascii=False, indent=2) + "\n"
    return Response(text, status=status, content_type="application/json")
