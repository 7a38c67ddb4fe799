"""Route that takes a file: checked in a child process, and committed where it may enter."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from coprod_kg import errors as house_errors
from coprod_kg.access import Grant, Role, hidden
from coprod_kg.errors import CoprodError
from coprod_kg.formats.media_types import Format
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.reported import as_table
from coprod_kg.ingest.sandbox import Budget
from coprod_kg.ingest.submit import Progress, SubmitOptions, submit
from coprod_kg.store.base import RestrictedStore
from coprod_kg.web.pages.submission import SentReport, offers, offers_named, report
from coprod_kg.web.replies import check_preconditions
from coprod_kg.web.site import Site
from coprod_kg.web.upload import sender_of, upload

__all__ = ["post", "received"]


def post(site: Site) -> Response:
    """Check a file, and commit it where that is wanted and it may enter."""
    wanted = offers()
    check_preconditions((), "The list of submissions")  # it has no strong tag
    given = upload(request, site.tokens, closed=site.settings.read_access == "token")
    if given.answer:
        wanted = offers_named(given.answer)
    given.check_size(given.size, site.settings)
    options = given.grant, given.dry_run, given.patch
    return received(site, lambda: given.read(site.settings), options, wanted[0].format)


def received(
    site: Site,
    read: Callable[[], SubmittedFile],
    options: tuple[Grant | None, bool, bool],
    wanted: Format,
) -> Response:
    """The report on a file that was sent, committed where that is wanted and it may enter.

    Args:
        site: the store and the limits.
        read: gives the file, which is not in memory before.
        options: what the sender may do, whether it is only to be checked, and whether it is to be
            merged into what is there.
        wanted: the format of the report.
    """
    grant, dry_run, patch = options
    with site.checking(grant):
        budget = None if grant else Budget(site.settings.open_check_seconds, "open-check-seconds")
        way = SubmitOptions(
            dry_run=dry_run,
            patch=patch,
            own_only=grant is None or grant.role is Role.CONTRIBUTOR,
            progress=Progress(budget=budget),
        )
        sender, sent = sender_of(grant) if grant else None, read()
        data = hidden(site.private.hidden_from(grant), site.settings.base_iri)
        seen = RestrictedStore(site.store, data, reserved=grant is not None)
        outcomes = submit([sent], seen, site.settings, sender, way)
        table = as_table(outcomes)
        status = _status(table, dry_run=dry_run)
        told = SentReport(table, sent, status, dry_run, budget.left if budget else None)
        response = report(told, wanted, site)
    if table["submission"]:
        response.headers["Location"] = f"/submissions/{table['submission']}"
    if table["version"]:
        response.headers["Dataset-Version"] = str(table["version"])
    return response


def _status(table: dict[str, Any], *, dry_run: bool) -> int:
    """201 where it entered, 200 where nothing had to be done, else the status of the refusal."""
    error = next((file["error"] for file in table["files"] if file["error"]), None)
    if error:
        kind: type[CoprodError] = getattr(house_errors, error["kind"], CoprodError)
        return kind.status
    return 201 if table["submission"] and not dry_run else 200
