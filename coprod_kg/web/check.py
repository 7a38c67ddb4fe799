"""Route of the check: what a portal would stumble over here, and how it will list the datasets."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from flask import Blueprint, Flask, Response, current_app, render_template, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from coprod_kg.errors import LimitReached, Overloaded
from coprod_kg.formats.media_types import HTML, Format, Offer
from coprod_kg.publishing.fetched import Fetched
from coprod_kg.publishing.portal_check import CheckedPortal, check_portal
from coprod_kg.web.address import root
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import LATEST, Conditions, offers_among
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

_JSON: Final = Format("json", "application/json", "rows", "JSON")
_SECONDS: Final = 60.0
"""How long a check may take here; the command takes as long as it needs."""


def blueprint(site: Site) -> Blueprint:
    """The route of the check."""
    routes = Blueprint("check", __name__)
    routes.add_url_rule("/check", endpoint="check", view_func=partial(_check, site, _Kept()))
    return routes


class _Kept:
    """The newest result, made by one request at a time: it is the same for everybody."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: tuple[tuple[int, str], CheckedPortal] | None = None

    def get(self, key: tuple[int, str], make: Callable[[], CheckedPortal]) -> CheckedPortal:
        """The result under a key, made where it is another one than the newest.

        Raises:
            Overloaded: somebody else has it made.
        """
        kept = self._made
        if kept is not None and kept[0] == key:
            return kept[1]
        if not self._lock.acquire(blocking=False):
            raise Overloaded(
                "the check is being made for somebody else",
                fix="Ask again in half a minute.",
                setting="charts",
                retry_after=30,
            )
        try:
            found = make()
            self._made = key, found
            return found
        finally:
            self._lock.release()


def _check(site: Site, kept: _Kept) -> Response:
    """The check of the newest version, as a page or JSON."""
    site.see_public()
    named = parameters(request).one("format")
    formats = (_JSON, HTML)
    offers = offers_among(formats, named)
    version, start = site.version(), root()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
    # It takes no slot itself: what it asks does, and would wait for one that it held.
    found = kept.get((version, start), lambda: _made(app, start, str(site.settings.root)))
    offer = Offer(_JSON, _JSON.content_type) if offers[0].format == _JSON else offers[0]
    if offer.format == HTML:
        body = render_template("check.html", found=found, version=version, root=start)
    else:
        body = json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n"
    response = Response(body, content_type=offer.content_type)
    conditions = Conditions(version, False, (offer,), changing=True)
    response = conditions.mark(response, offer)
    response.headers["Cache-Control"] = LATEST
    return response


def _made(app: Flask, start: str, public: str) -> CheckedPortal:
    """Check the service through its own routes: no address of another host is called."""
    deadline = monotonic() + _SECONDS

    def fetch(method: str, address: str, accept: str) -> Fetched:
        if monotonic() > deadline:
            raise LimitReached(
                f"the check takes more than {_SECONDS:g} seconds here",
                fix=f"Run it from a terminal: coprod-kg check-portal {start}",
            )
        here = next((own for own in (start, public) if address.startswith(own)), None)
        if here is None:
            return Fetched(0, "", {}, b"")
        path = "/" + address.removeprefix(here)
        builder = EnvironBuilder(path, start, method=method, headers=[("Accept", accept)])
        environ = builder.get_environ()
        environ["REQUEST_URI"] = path
        chunks, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
        named = {name.lower(): value for name, value in headers.items()}
        media_type = named.get("content-type", "").partition(";")[0]
        return Fetched(int(status[:3]), media_type, named, b"".join(chunks))

    return check_portal(start, fetch)
