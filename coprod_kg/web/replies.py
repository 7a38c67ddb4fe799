"""An answer of the store as an HTTP response: format, entity tag, caching, length.

A small answer comes with its length. A large one is sent as it comes, and where it fails midway
the connection breaks (`coprod_kg.server.asgi`), so that every client notices.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from zlib import crc32

from flask import Response, current_app, request
from werkzeug.http import parse_etags, quote_etag

from coprod_kg import __version__
from coprod_kg.errors import Overloaded, PreconditionFailed
from coprod_kg.formats.media_types import (
    FORMATS,
    HTML,
    ROWS,
    Format,
    Offer,
    by_name,
    negotiate,
    offers_by_name,
)
from coprod_kg.formats.relay import Relay
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Commit
from coprod_kg.web import metrics
from coprod_kg.web.client_slots import client
from coprod_kg.web.protocol import Parameters
from coprod_kg.web.request_log import request_log
from coprod_kg.web.shares import Share, Shared

__all__ = [
    "LATEST",
    "PINNED",
    "Conditions",
    "DownloadLimits",
    "check_preconditions",
    "chosen",
    "committed",
    "media_types",
    "offers",
    "offers_among",
    "reply",
    "see_page",
    "wants_page",
]

LATEST = "public, max-age=0, must-revalidate"
PINNED = "public, max-age=31536000, immutable"


@dataclass(slots=True)
class Conditions:
    """What an answer depends on: decides whether the client's copy is still valid.

    Attributes:
        version: the dataset version that is asked, or that answered.
        pinned: whether the address names it with its lineage, so that the answer stays for ever.
        offers: the formats the client accepts, best first.
        stamp: what else a page shows, which changes without a new version.
        changing: whether the answer may differ over the same data, so that it must not be cached.
        text: of the saved query that is answered, which its owner may edit.
        lineage: that of the version; the store's of the application where it is left out.
        strong: whether its tag stands for these very bytes, so that a change may depend on it.
    """

    version: int
    pinned: bool
    offers: tuple[Offer, ...]
    stamp: str = ""
    changing: bool = False
    text: str = ""
    lineage: str | None = None
    strong: bool = False

    def unchanged(self, location: Callable[[Offer], str] | None = None) -> Response | None:
        """A 304 where the client holds this very answer, without asking the store.

        Args:
            location: where the answer in a format has its own address, if it has one.
        """
        if request.method not in ("GET", "HEAD"):
            return None
        offer = self.held(request.headers.get("If-None-Match"), request_log(request).hidden)
        if offer is None:
            return None
        response = self.mark(Response(status=304), offer)
        del response.headers["Content-Type"]
        if location is not None:
            response.headers["Content-Location"] = location(offer)
        return response

    def held(self, tags: str | None, hidden: tuple[str, ...]) -> Offer | None:
        """The format in which a client has this very answer already, or None.

        Args:
            tags: the header ``If-None-Match`` of a GET or HEAD.
            hidden: the organisations that are hidden from the client.
        """
        held = parse_etags(tags) if tags is not None and not self.changing else None
        if not held or held.star_tag:
            return None
        firsts = {offer.format.family: offer for offer in reversed(self.offers)}
        if self.offers and self.offers[0].format == HTML:
            firsts = {"page": self.offers[0]}
        for offer in firsts.values():
            if held.contains_weak(self.tag(offer, hidden)):
                return offer
        return None

    def offer(self, media_type: str) -> Offer:
        """The one of the formats accepted that an answer came in."""
        for offer in self.offers:
            if offer.format.media_type == media_type:
                return offer
        return next(
            Offer(form, form.content_type) for form in FORMATS if form.media_type == media_type
        )

    def tag(self, offer: Offer, hidden: tuple[str, ...]) -> str:
        """The entity tag: another one for each version, view, type, text and release of ours."""
        lineage = self.lineage
        if lineage is None:
            lineage = current_app.config["SITE"].lineage
        view = f"-{crc32(' '.join(hidden).encode()):08x}" if hidden else ""
        stamp = f"-{self.stamp}" if self.stamp and offer.format == HTML else ""
        text = f"-{crc32(self.text.encode()):08x}" if self.text else ""
        kind = offer.content_type.partition(";")[0]
        return f"{self.version}-{lineage}-{kind}-{__version__}{text}{stamp}{view}"

    def mark(self, response: Response, offer: Offer) -> Response:
        """Say which version this is, and how long it may be kept."""
        headers = response.headers
        if request.method in ("GET", "HEAD") and not self.changing:
            for name, value in self.marks(offer, request_log(request).hidden):
                headers[name] = value
        else:
            headers["Dataset-Version"] = str(self.version)
            headers["Cache-Control"] = "no-store"
        return response

    def marks(self, offer: Offer, hidden: tuple[str, ...]) -> list[tuple[str, str]]:
        """The headers that say so of an answer to a GET or HEAD.

        Args:
            offer: the format of the answer.
            hidden: the organisations that are hidden from the client.
        """
        return [
            ("Dataset-Version", str(self.version)),
            ("ETag", quote_etag(self.tag(offer, hidden), weak=not self.strong)),
            ("Cache-Control", PINNED if self.pinned else LATEST),
        ]


def check_preconditions(tags: Collection[str], what: str, *, exists: bool = True) -> None:
    """Refuse a change that was meant for another state (RFC 9110, section 13).

    Args:
        tags: the entity tags of what is there, without quotes.
        what: name of the resource, the subject of the error message ("The dataset").
        exists: whether it is there.

    Raises:
        PreconditionFailed: a header of the request says otherwise.
    """
    wanted, unwanted = request.if_match, request.if_none_match
    # A weak tag says "much the same": what is to be replaced has to be the very same.
    fits = wanted.star_tag or any(wanted.contains(tag) for tag in tags)
    if "If-Match" in request.headers and not (exists and fits):
        raise PreconditionFailed(
            f"{what} is not what the header If-Match says",
            where="header If-Match",
            fix="Get it again, and make the change anew.",
        )
    met = unwanted.star_tag or any(unwanted.contains_weak(tag) for tag in tags)
    if "If-None-Match" in request.headers and exists and met:
        raise PreconditionFailed(
            f"{what} is there already",
            where="header If-None-Match",
            fix="Choose another name, or leave the header out to replace it.",
        )


def offers(given: Parameters) -> tuple[Offer, ...]:
    """The formats accepted by the current request, by `chosen`."""
    return chosen(given, request.headers.get("Accept"))


def chosen(given: Parameters, accept: str | None) -> tuple[Offer, ...]:
    """The formats to answer a query in: by ``?format=`` where it is understood, else by ``Accept``.

    Clients repeat the parameter, and use names of other endpoints beside an exact ``Accept``
    (SPARQLWrapper does both), so only one that leaves no way to answer is refused.

    Raises:
        WrongUsage: no format named is known, and ``Accept`` says nothing.
        NotAcceptable: nothing accepted can be written.
    """
    named = [name for name in given.all("format") if name]
    known = next((name for name in named if by_name(name)), None)
    if known is None and (not named or accept not in (None, "", "*/*")):
        return negotiate(accept)
    return offers_by_name(known or named[0])


def offers_among(formats: Sequence[Format], named: str | None) -> tuple[Offer, ...]:
    """Those of some formats to answer the current request in: the named one, else by ``Accept``.

    Raises:
        WrongUsage: none of them has that name.
        NotAcceptable: none of them is accepted.
    """
    if named:
        # a format that only one route has, such as JSON of the versions
        name = named.strip().lower().replace(" ", "+")
        of_the_route = tuple(
            Offer(form, form.content_type)
            for form in formats
            if form not in FORMATS and name in (form.name, form.media_type)
        )
        return of_the_route or offers_by_name(named, formats)
    return negotiate(request.headers.get("Accept"), formats)


def wants_page(wanted: tuple[Offer, ...]) -> bool:
    """Whether the client is a browser that wants a page."""
    return wanted[0].format == HTML


def see_page(path: str, given: Parameters) -> Response:
    """See other, for a browser at an address of RDF: it would save the document as a file.

    Args:
        path: the page that tells people the same.
        given: the parameters of the address, of which the page gets the version.
    """
    kept = [(name, value) for name in ("version", "lineage") if (value := given.one(name))]
    location = f"{path}?{urlencode(kept)}" if kept else path
    return Response(status=303, headers={"Location": location, "Cache-Control": LATEST})


def media_types(wanted: Iterable[Offer]) -> tuple[str, ...]:
    """The media types to ask of the store, best first."""
    types = (offer.format.media_type for offer in wanted if offer.format != HTML)
    return tuple(dict.fromkeys(types))


def reply(answer: Answer, conditions: Conditions, filename: str | None = None) -> Response:
    """The response that carries an answer whole.

    Args:
        answer: closed when the response is.
        conditions: where it comes from.
        filename: what a download is called, without its suffix; CSV and TSV are downloads.
    """
    offer = conditions.offer(answer.media_type)
    body = answer.chunks if answer.length is not None else Download.of(answer)
    response = Response(body, content_type=offer.content_type, direct_passthrough=True)
    response.call_on_close(body.close if isinstance(body, Download) else answer.close)
    if answer.length is not None:
        response.headers["Content-Length"] = str(answer.length)
    conditions.mark(response, offer)
    if filename and offer.format in ROWS[2:]:
        name = f"{filename}.{offer.format.name}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if request.if_none_match.star_tag and request.method in ("GET", "HEAD"):
        response.close()
        return conditions.mark(Response(status=304), offer)
    return response


def committed(commit: Commit, status: int = 204) -> Response:
    """The response to a change that was made."""
    request_log(request).notes["version"] = commit.version
    response = Response(status=status)
    response.headers["Dataset-Version"] = str(commit.version)
    response.headers["Cache-Control"] = "no-store"
    return response


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What this process has room for: large answers being sent, and bytes of them on disk.

    Attributes:
        downloads: how many there may be.
        spool: bytes on disk for what their clients have not taken yet.
        folder: where those are.
    """

    downloads: Shared
    spool: Shared
    folder: Path | None

    @classmethod
    def of(cls, settings: Settings) -> "DownloadLimits":
        """The room that the settings give to each web process."""
        return cls(
            Shared(settings.downloads),
            Shared((settings.spool_mb << 20) // settings.web_workers, metrics.spooled),
            settings.data if settings.data.is_dir() else None,
        )


class Download:
    """A large answer being sent, one of a limited number in this process."""

    def __init__(self, relay: Relay, place: Share) -> None:
        """Take the answer and one place, which is taken already."""
        self._relay = relay
        self._place = place
        self._open = True

    @classmethod
    def of(cls, answer: Answer) -> "Download":
        """Take a place.

        Raises:
            Overloaded: there is none.
        """
        settings, known = current_app.config["SETTINGS"], request_log(request)
        limits: DownloadLimits = current_app.config["DOWNLOAD_LIMITS"]
        reader = client(known.client, known.grant)
        place = Share(limits.downloads, reader)
        if not place.take():
            answer.close()
            raise Overloaded(
                f"{limits.downloads.taken} large answers are on their way already, "
                "too many for one more of this client",
                fix="Try again later, or ask for less. The limit is the setting downloads.",
                setting="downloads",
            )
        spool = Share(limits.spool, reader)
        return cls(Relay(answer, settings.result_mb << 20, spool, limits.folder), place)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._relay
        finally:
            self.close()

    def close(self) -> None:
        """Give the place back; the worker that computes the answer is released."""
        if self._open:
            self._open = False
            self._relay.close()
            self._place.give_back()
