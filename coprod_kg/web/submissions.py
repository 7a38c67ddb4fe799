"""Routes of ``/submissions``: send a file, read its report, compare it, roll it back.

Files are read and checked in child processes with a deadline and a memory cap.
"""

from contextlib import nullcontext
from functools import partial
from itertools import islice
from typing import Final

from flask import Blueprint, Response, request

from coprod_kg.formats.media_types import HTML, negotiate
from coprod_kg.ingest.history import differences, roll_back, settled
from coprod_kg.ingest.journal import Journal, JournalEntry
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.web.authorisation import holder
from coprod_kg.web.pages.submission import (
    JSON,
    WORKBOOK,
    SentReport,
    as_json,
    as_page,
    changed,
    offers,
    report,
)
from coprod_kg.web.protocol import FORM
from coprod_kg.web.replies import check_preconditions
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site
from coprod_kg.web.submitting import post
from coprod_kg.web.upload import grant_of_field, may_change, sender_of

__all__ = ["blueprint"]

_LISTED: Final = 200


def blueprint(site: Site) -> Blueprint:
    """The routes of submissions."""
    routes = Blueprint("submissions", __name__)
    path = "/submissions/<name>"
    for rule, method, view in (
        ("/submissions", "GET", partial(_list, site)),
        ("/submissions", "POST", partial(post, site)),
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
    found = negotiate(request.headers.get("Accept"), (JSON, HTML))
    newest = islice(Journal(site.settings.data).records(request_log(request).hidden), _LISTED)
    records = settled(newest, site.store, site.settings.base_iri)
    if found[0].format == HTML:
        closed = site.settings.read_access == "token"
        return as_page("submissions.html", records=records, version=site.version(), closed=closed)
    return as_json({"submissions": [record.summary() for record in records]})


def _show(site: Site, name: str) -> Response:
    """The report on a submission."""
    journal = Journal(site.settings.data)
    record = _record(site, name)
    digest = next((file["sha256"] for file in record.report["files"] if file["sha256"]), None)
    sent = None
    if len(record.report["files"]) == 1 and digest and not record.undoes:
        sent = SubmittedFile(record.report["files"][0]["file"], journal.bytes_of(digest))
    wanted = offers()[0].format
    seconds = None if holder(request, site.tokens) else site.settings.open_check_seconds
    told = SentReport(record.report, sent, 200, seconds=seconds)
    # To compare and to mark takes as much as to check; the other reports are only written out.
    with site.checking() if wanted in (HTML, WORKBOOK) else nullcontext():
        return report(told, wanted, site, record)


def _changes(site: Site, name: str) -> Response:
    """What a submission changed against the one before, in words."""
    record = _record(site, name)
    with site.checking():
        found = differences(record, site.restricted_store, site.settings)
    return changed(name, found)


def _rollback(site: Site, name: str) -> Response:
    """Take a submission back, as a new version; its page sends the token as a field of a form."""
    record = _record(site, name)
    held = holder(request, site.tokens)
    if held is None and request.mimetype == FORM:
        token = request.form.get("token", "").strip()
        held = grant_of_field(token, site.tokens) if token else None
    grant = may_change(held, record.organisations)
    check_preconditions((), f"The submission {name}")  # it has no strong tag
    wanted = negotiate(request.headers.get("Accept"), (JSON, HTML))  # refused before it is done
    made = roll_back(name, site.restricted_store, site.settings, sender_of(grant))
    if wanted[0].format == HTML:
        return Response(status=303, headers={"Location": f"/submissions/{made.id}"})
    response = as_json(made.summary(), 201)
    response.headers["Location"] = f"/submissions/{made.id}"
    response.headers["Dataset-Version"] = str(made.version)
    return response


def _record(site: Site, name: str) -> JournalEntry:
    record = Journal(site.settings.data).read(name, request_log(request).hidden)
    return settled([record], site.store, site.settings.base_iri)[0]
