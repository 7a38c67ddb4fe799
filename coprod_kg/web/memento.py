"""Time travel by date (Memento, RFC 7089): which version a moment means, and when one was made."""

from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.table import Table
from coprod_kg.web.site import Site

__all__ = ["http_date", "moments", "version_at"]


def moments(site: Site) -> dict[int, datetime]:
    """When each version that is kept was made."""
    kept = set(site.store.versions())
    table = site.rows_of("view-commits") or Table((), ())
    found = {
        int(row["version"].value): datetime.fromisoformat(row["made"].value) for row in table.rows
    }
    return {version: made for version, made in sorted(found.items()) if version in kept}


def version_at(site: Site, header: str, among: Collection[int] | None = None) -> int:
    """The version that was the newest at a moment; the oldest kept where it lies before all.

    Args:
        site: of the versions.
        header: the moment, as HTTP writes it.
        among: the versions that have what is asked for; all of them where it is None.

    Raises:
        WrongUsage: it is no moment.
    """
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        raise WrongUsage(
            f"{header[:60]!r} is no moment",
            where="header Accept-Datetime",
            fix="Write for example Sat, 28 Nov 2026 12:00:00 GMT.",
        ) from None
    known = moments(site)
    if among is not None:
        known = {number: made for number, made in known.items() if number in among}
    before = [
        number for number, made in known.items() if made.replace(microsecond=0) <= _utc(moment)
    ]
    return max(before, default=min(known, default=site.version()))


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it."""
    return format_datetime(_utc(moment).replace(microsecond=0), usegmt=True)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
