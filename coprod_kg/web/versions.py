"""Routes of what changed when: the versions (page, JSON, TimeMap), LDES and Atom of the changes."""

import json
from datetime import UTC
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.access import hidden
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML, Format
from coprod_kg.publishing.changes_feed import feed_document
from coprod_kg.store.changes import VersionChanges, read_changes
from coprod_kg.store.directory import DataDirectory
from coprod_kg.web.address import root
from coprod_kg.web.memento import http_date, moments
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import LATEST, offers_among, see_page, wants_page
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import versions_with

__all__ = ["blueprint"]

_JSON: Final = Format("json", "application/json", "rows", "JSON")
_TIMEMAP: Final = Format("link", "application/link-format", "rows", "TimeMap")
_ATOM: Final = "application/atom+xml"
_LISTED: Final = 100
"""Versions that the page of versions and the Atom feed go back."""
_ENTRIES: Final = 500
"""Entries of the Atom feed at most."""


def blueprint(site: Site) -> Blueprint:
    """The routes of versions and changes."""
    routes = Blueprint("versions", __name__)
    for rule, endpoint, view in (
        ("/versions", "all", _versions),
        ("/versions/<number>", "one", _one),
        ("/changes", "ldes", _ldes),
        ("/changes/<number>", "ldes-version", _ldes),
        ("/changes.atom", "atom", _atom),
    ):
        routes.add_url_rule(rule, endpoint=endpoint, view_func=partial(view, site))
    return routes


def _versions(site: Site) -> Response:
    """Every version that there was, or as a TimeMap the kept ones of one address."""
    formats = (_JSON, _TIMEMAP, HTML)
    given = parameters(request)
    offer = offers_among(formats, given.one("format"))[0]
    if offer.format == _TIMEMAP:
        response = Response(_timemap(site, given.one("of")), content_type=_TIMEMAP.media_type)
        response.headers["Cache-Control"] = LATEST
        return response
    rows = site.rows_of("view-commits").texts()
    kept, tags = set(site.store.versions()), _names(site)
    told = [
        {
            "version": int(row["version"]),
            "made": row["made"],
            "from": row.get("activity") or None,
            "by": row.get("agentLabel") or None,
            "kept": int(row["version"]) in kept,
            "names": tags.get(int(row["version"]), []),
        }
        for row in rows
    ]
    if offer.format == HTML:
        shown = told[:_LISTED]
        body = render_template("versions.html", versions=shown, total=len(told), path=site.path)
    else:
        body = json.dumps({"versions": told}, ensure_ascii=False, indent=1) + "\n"
    response = Response(body, content_type=offer.content_type)
    response.headers["Link"] = f'</versions>; rel="timemap"; type="{_TIMEMAP.media_type}"'
    response.headers["Cache-Control"] = LATEST
    return response


def _names(site: Site) -> dict[int, list[str]]:
    return {number: list(site.store.kept(number).names) for number in site.store.versions()}


def _timemap(site: Site, of: str | None) -> str:
    """The mementos of an address here, as RFC 7089 lists them: of a thing, since it is known.

    Raises:
        WrongUsage: it is no address.
        NotFound: no version that is kept knows of the thing that is told there.
    """
    path = of or "/dataset/all"
    if not path.startswith("/") or any(sign in path for sign in '?#<>" \r\n'):
        raise WrongUsage(
            f"{path[:100]!r} is no address here", where="parameter of", fix="Write /doc/KIND/NAME."
        )
    address = root().rstrip("/") + path
    this = f"{root()}versions?{urlencode({'of': path, 'format': 'link'})}"
    having, known = versions_with(site, path), moments(site)
    if having is not None:
        known = {number: made for number, made in known.items() if number in having}
        if not known:
            raise NotFound(f"no version that is kept knows of {path[:200]}", where="parameter of")
    lines = [
        f'<{address}>; rel="original timegate"',
        f'<{this}>; rel="self"; type="{_TIMEMAP.media_type}"',
    ]
    for place, (number, made) in enumerate(known.items()):
        rels = ["first"] * (place == 0) + ["last"] * (place == len(known) - 1) + ["memento"]
        lines.append(
            f'<{address}?version={number}>; rel="{" ".join(rels)}"; datetime="{http_date(made)}"'
        )
    return ",\n".join(lines) + "\n"


def _one(site: Site, number: str) -> Response:
    headers = {"Location": f"/version/{_number(site, number)}", "Cache-Control": LATEST}
    return Response(status=303, headers=headers)


def _number(site: Site, text: str) -> int:
    """The number of a version that was made.

    Raises:
        NotFound: there is none of that number.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= site.version()):
        raise NotFound(f"there is no version {text[:20]}", fix="/versions lists them.")
    return int(text[:12])


def _changes(site: Site, number: int) -> VersionChanges | None:
    """The things that a version changed, as far as anybody may know of them."""
    unseen = hidden(site.private.organisations(), site.settings.base_iri)
    return read_changes(DataDirectory(site.settings.data).changes, number, unseen.graphs)


def _ldes(site: Site, number: str | None = None) -> Response:
    """The changes of things as a Linked Data Event Stream, one TREE node for each version."""
    site.see_public()
    given = parameters(request)
    wanted = offers_among((*GRAPHS, HTML), given.one("format"))
    version = None if number is None else _number(site, number)
    if wants_page(wanted):
        return see_page("/versions" if version is None else f"/version/{version}", given)
    offer = wanted[0]
    body = feed_document(
        root(),
        site.settings.base_iri,
        range(1, site.version() + 1) if version is None else (),
        None if version is None else _changes(site, version),
        version,
        offer.format.media_type,
    )
    response = Response(body, content_type=offer.content_type)
    # what becomes private is taken out, so no page is for ever
    response.headers["Cache-Control"] = LATEST
    return response


def _atom(site: Site) -> Response:
    """The newest changes of things as Atom (RFC 4287)."""
    site.see_public()
    newest = site.version()
    entries: list[dict[str, Any]] = []
    updated = None
    for number in range(newest, max(0, newest - _LISTED), -1):
        changes = _changes(site, number)
        if changes is None:
            continue
        made = changes.made.astimezone(UTC).isoformat(timespec="seconds")
        updated = updated or made
        for change in changes.things[: _ENTRIES - len(entries)]:
            path = site.path(change.iri) or "/"
            entries.append(
                {
                    "iri": change.iri,
                    "title": f"{change.iri.removeprefix(site.settings.base_iri)} {change.kind}",
                    "id": f"{site.settings.base_iri}version/{number}#{change.iri}",
                    "link": root().rstrip("/") + path,
                    "made": made,
                    "kind": change.kind,
                }
            )
    moment = updated or "1970-01-01T00:00:00+00:00"
    body = render_template("changes.atom.xml", root=root(), entries=entries, updated=moment)
    response = Response(body, content_type=_ATOM)
    response.headers["Cache-Control"] = LATEST
    return response
