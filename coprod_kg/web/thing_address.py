"""The thing that an address names, in which version, and where its page and its document are."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import request

from coprod_kg.access import hidden
from coprod_kg.errors import NotFound, Withdrawn, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML
from coprod_kg.publishing.profiles import OWN
from coprod_kg.store.worker_client import NeedsThread
from coprod_kg.web.address import raw_path, readings
from coprod_kg.web.memento import version_at
from coprod_kg.web.protocol import Parameters, parameters, version
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import VOCABULARY, Site

__all__ = [
    "RECORDS",
    "ThingAddress",
    "record_kind",
    "refuse_withdrawn",
    "thing_address",
    "versions_with",
]

RECORDS: Final = ("graph", "submission", "version", "model")
"""The kinds of records, each the first part of its IRIs below the base."""

_SUFFIXES: Final = tuple(form.name for form in (*GRAPHS, HTML))
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class ThingAddress:
    """What a request is about.

    Attributes:
        space: the kind of address: id, vocab, record or query.
        iri: its name.
        tail: the part of its address that its page and its document share.
        suffix: the format that the address names, or None.
        version: the dataset version that is asked.
        pinned: whether the address names that version for ever.
        query: the query string that keeps links in that version, with its question mark.
    """

    space: str
    iri: str
    tail: str
    suffix: str | None
    version: int
    pinned: bool
    query: str

    @property
    def page(self) -> str:
        """The address of its page."""
        start = "" if self.tail.startswith("queries/") else "/page"
        return f"{start}/{self.tail}{self.query}"

    def document(self, form: str = "", profile: str = OWN) -> str:
        """The address of its document, in a format and a profile where one is named."""
        told = "" if profile == OWN else f"{'&' if self.query else '?'}_profile={profile}"
        return f"/doc/{self.tail}{f'.{form}' if form else ''}{self.query}{told}"


def thing_address(site: Site, space: str, *, looks: bool = True) -> ThingAddress:
    """The thing that the address of the request names.

    Args:
        site: what all routes share.
        space: the kind of address.
        looks: whether it is looked for, where the address can only stand for one.

    Raises:
        NotFound: nothing of that name is known, or the version asked for is none.
        VersionGone: that version is not kept.
    """
    given = parameters(request)
    asked, pinned = version(given), site.is_pinned(given)
    moment, raw = request.headers.get("Accept-Datetime"), raw_path()
    if asked is None and moment:
        asked = version_at(site, moment, versions_with(site, raw))
        given = Parameters((*given.pairs, ("version", str(asked))))
    number = site.version(asked)
    _, what, rest = raw.split("/", 2)
    local = rest if what in ("page", "doc") else f"{what}/{rest}" if space != "id" else rest
    stem, suffix = _split(local)
    base = site.settings.base_iri
    start = {"id": f"{base}id/", "vocab": VOCABULARY}.get(space, base)
    named = stem.removeprefix("vocab/") if space == "vocab" else stem
    is_plain = len(named) <= _LONGEST and readings(named) == (named,)
    iri = start + named if is_plain and not looks else _found(site, start, named, number)
    path = site.path(iri) or ""
    tail = path.removeprefix("/id/" if space == "id" else "/")
    pairs = [(name, value) for name in ("version", "lineage") if (value := given.one(name))]
    query = f"?{urlencode(pairs)}" if pairs else ""
    return ThingAddress(space, iri, tail, suffix, number, pinned, query)


def _split(name: str) -> tuple[str, str | None]:
    """The name and the suffix that says the format, where there is one."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, suffix) if dot and stem and suffix in _SUFFIXES else (name, None)


def _found(site: Site, start: str, local: str, number: int) -> str:
    """The first IRI among those that an address may stand for of which something is known."""
    if len(local) <= _LONGEST:
        for reading in readings(local):
            if _is_known(site, start + reading, number):
                return start + reading
        if request_log(request).in_loop:  # the lists of what was withdrawn may be long
            raise NeedsThread
        for reading in readings(local):
            refuse_withdrawn(site, start + reading, number)
    raise NotFound(
        f"nothing is known about {start}{readings(local[:_LONGEST])[0]}",
        fix="Begin at /, or ask at /sparql.",
    )


def versions_with(site: Site, path: str) -> list[int] | None:
    """The kept versions that know of the thing whose page or document is at an address.

    None where the address is that of no thing: it has as many versions as the dataset.
    """
    what, _, rest = path.lstrip("/").partition("/")
    base = site.settings.base_iri
    if what == "dataset":
        start, local = f"{base}dataset/", rest
    elif what in ("doc", "page"):
        space, _, local = rest.partition("/")
        start = f"{base}{space}/" if space in (*RECORDS, "queries") else f"{base}id/{space}/"
        start = VOCABULARY if space == "vocab" else start
    else:
        return None
    if not local or len(local) > _LONGEST:
        return []
    named = readings(_split(local)[0])
    kept = [number for number in site.store.versions() if number]
    return [
        number
        for number in kept
        if any(_is_known(site, start + reading, number) for reading in named)
    ]


def refuse_withdrawn(site: Site, iri: str, number: int, named: str = "") -> None:
    """Tell of a thing that was there once, as far as the client may know.

    Args:
        site: what all routes share.
        iri: the thing.
        number: the version in which it is looked for.
        named: what was asked for, where that only comes and goes with the thing.

    Raises:
        Withdrawn: a version removed it.
    """
    unseen = hidden(request_log(request).hidden, site.settings.base_iri)
    removed = site.removed.find(iri, number, site.store.version(), unseen.graphs)
    if removed is None:
        return
    rows = [row for row in site.rows_of("view-commits").texts() if row["version"] == str(removed)]
    when = rows[0]["made"][:10] if rows else "an unknown day"
    source = f" by {rows[0]['activity']}" if rows and rows[0].get("activity") else ""
    last = removed - 1
    kept = last in site.store.versions()
    raise Withdrawn(
        f"{named or iri} was withdrawn with version {removed} on {when}{source}",
        fix=f"Version {last} was the last that had it"
        + (f": add ?version={last}." if kept else "; it is not kept any more."),
    )


def _is_known(site: Site, iri: str, number: int) -> bool:
    names = ["view-exists"] + (["view-graph-exists"] if record_kind(site, iri) == "graph" else [])
    try:
        found = [site.about(name, iri, number).table() for name in names]
    except WrongUsage:  # it cannot be the name of anything
        return False
    return any(table is not None and bool(table.truth) for table in found)


def record_kind(site: Site, iri: str) -> str:
    """The kind of record that an IRI names: the first part of it below the base."""
    return iri.removeprefix(site.settings.base_iri).partition("/")[0]
