"""The SPARQL 1.1 Graph Store HTTP Protocol at ``/data``.

A graph is named by ``?graph=``, by ``?default``, or by its own address below ``/data/``. Anyone
reads; a curator's token writes. Graphs that this software keeps are not written here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import uuid4

from flask import Blueprint, Request, Response, request

from coprod_kg.errors import NotFound, Unreadable, VersionGone, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, Offer
from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY, Change, Commit, Query, attempt
from coprod_kg.store.rdf_intake import RdfBody, read
from coprod_kg.updates import UpdateRecord, check_graph
from coprod_kg.web.address import root
from coprod_kg.web.authorisation import curator
from coprod_kg.web.protocol import Parameters, is_iri, parameters
from coprod_kg.web.replies import (
    Conditions,
    check_preconditions,
    committed,
    media_types,
    offers_among,
    reply,
)
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

_LINES: Final = "application/n-triples"
_METHODS: Final = ["GET", "HEAD", "PUT", "POST", "DELETE"]
_MULTIPART: Final = "multipart/form-data"
_SUFFIXES: Final = {form.name: form.media_type for form in GRAPHS}


@dataclass(frozen=True, slots=True)
class Sent:
    """The request body, read once before the first attempt to commit it.

    Attributes:
        bodies: the bytes as they came, of each part where there are several.
        lines: their triples, as N-Triples.
    """

    bodies: tuple[bytes, ...] = ()
    lines: bytes = b""


@dataclass(frozen=True, slots=True)
class Target:
    """The graph a request is about: its IRI, empty for the default graph."""

    graph: str

    @property
    def pattern(self) -> str:
        """Its triples, as a pattern of SPARQL."""
        return f"GRAPH <{self.graph}> {{ ?s ?p ?o }}" if self.graph else "?s ?p ?o"


def blueprint(site: Site) -> Blueprint:
    """The routes of the graphs."""
    routes = Blueprint("graphs", __name__)
    for rule, name in (("/data", "store"), ("/data/<path:name>", "direct")):
        routes.add_url_rule(rule, endpoint=name, view_func=partial(_serve, site), methods=_METHODS)
    return routes


def _serve(site: Site, name: str | None = None) -> Response:
    given = parameters(request)
    target = _target(given, name)
    if request.method in ("GET", "HEAD"):
        if target is None:
            raise WrongUsage("no graph is named", fix="Write ?default, or ?graph= and its IRI.")
        return _get(site, given, target)
    grant = curator(request, site.tokens, "Writing a graph")
    if target is None and request.method != "POST":
        raise WrongUsage("no graph is named", fix="Write ?default, or ?graph= and its IRI.")
    chosen = target or Target(f"{root()}data/{uuid4()}")
    check_graph(chosen.graph, site.settings)
    changing = {"PUT": _put, "POST": _post, "DELETE": _delete}[request.method]
    sent = Sent()
    if request.method != "DELETE":
        if "If-Match" in request.headers or "If-None-Match" in request.headers:
            _check_preconditions(site, chosen, site.version())  # before work on the body
        sent = _sent(site, chosen)
    # Made again where another commit came in between; the body is parsed once, before.
    response = attempt(lambda: changing(site, chosen, grant.name, sent))
    if target is None:
        response.status_code = 201
        response.headers["Location"] = chosen.graph
    return response


def _target(given: Parameters, name: str | None) -> Target | None:
    """The graph that a request names, or None for the graph store itself."""
    named, default = given.one("graph"), given.all("default")
    if (named is not None) + bool(default) + (name is not None) > 1:
        raise WrongUsage("the graph is named in more than one way", fix="Name it in one.")
    if default:
        return Target(DEFAULT_GRAPH)
    iri = _address() if name is not None else named
    if iri is None:
        return None
    if not is_iri(iri):
        raise WrongUsage(
            f"{iri[:200]!r} is not an absolute IRI",
            where="parameter graph",
            fix="Write the whole IRI of a graph, without angle brackets.",
        )
    return Target(iri)


def _address() -> str:
    """The public address of the request."""
    return root() + request.base_url.removeprefix(request.url_root)


def _get(site: Site, given: Parameters, target: Target) -> Response:
    wanted = _offers(given)
    conditions = Conditions(site.version(), False, wanted, strong=True)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    _check_exists(site, target, conditions.version)
    answer = site.ask_store(_content(target, media_types(wanted), conditions.version, site))
    return reply(answer, conditions)


def _offers(given: Parameters) -> tuple[Offer, ...]:
    return offers_among(GRAPHS, given.one("format"))


def _content(target: Target, types: tuple[str, ...], version: int, site: Site) -> Query:
    text = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {target.pattern} }}"
    seconds = site.settings.query_seconds
    return Query(text, types, version=version, seconds=seconds, union=False)


def _exists(site: Site, target: Target, version: int) -> bool:
    if not target.graph:
        return True
    text = f"ASK {{ GRAPH <{target.graph}> {{}} }}"
    asking = Query(text, ("text/csv",), version=version, union=False)
    return site.ask_store(asking).read().strip() == b"true"


def _check_exists(site: Site, target: Target, version: int) -> None:
    if not _exists(site, target, version):
        raise NotFound(f"there is no graph {target.graph}")


def _check_preconditions(site: Site, target: Target, version: int) -> bool:
    """Refuse a change that was meant for another state of the graph; say whether it exists.

    The tag of an answer names a version of all data. It stands for the graph in the newest
    version as long as that holds the same: commits to other graphs do not matter.
    """
    exists = _exists(site, target, version)
    tags: list[str] = []
    if exists and (request.if_match or request.if_none_match):
        for number in site.store.versions():
            named = _tags(number)
            meant = any(request.if_match.contains(tag) for tag in named)
            meant = meant or any(request.if_none_match.contains_weak(tag) for tag in named)
            if meant and (number == version or _same(site, target, number, version)):
                tags += named
    check_preconditions(
        tags, f"the graph {target.graph}" if target.graph else "the default graph", exists=exists
    )
    return exists


def _tags(version: int) -> list[str]:
    """The entity tags of a graph in one version, in each format."""
    conditions = Conditions(version, False, (), strong=True)
    hidden = request_log(request).hidden
    return [conditions.tag(Offer(form, form.content_type), hidden) for form in GRAPHS]


def _same(site: Site, target: Target, *versions: int) -> bool:
    """Whether a graph holds the same in two versions."""
    try:
        if not all(_exists(site, target, version) for version in versions):
            return False
        before, after = (
            sorted(site.ask_store(_content(target, (_LINES,), version, site)).read().splitlines())
            for version in versions
        )
    except VersionGone:  # meanwhile
        return False
    return before == after


def _put(site: Site, target: Target, curator_name: str, sent: Sent) -> Response:
    version = site.version()
    existed = _check_preconditions(site, target, version)
    content = sent.lines or (EMPTY if target.graph else b"")
    record = _record(site, curator_name, "A graph replaced", sent)
    commit = _commit(site, target, content, version, record)
    return committed(commit, 204 if existed else 201)


def _post(site: Site, target: Target, curator_name: str, sent: Sent) -> Response:
    version = site.version()
    existed = _check_preconditions(site, target, version)
    held = b""
    if existed:
        held = site.ask_store(_content(target, (_LINES,), version, site)).read()
    record = _record(site, curator_name, "Statements added to a graph", sent)
    commit = _commit(site, target, held + sent.lines or EMPTY, version, record)
    return committed(commit, 204 if existed else 201)


def _delete(site: Site, target: Target, curator_name: str, sent: Sent) -> Response:
    version = site.version()
    _check_exists(site, target, version)
    _check_preconditions(site, target, version)
    record = _record(site, curator_name, "A graph removed", sent)
    return committed(_commit(site, target, b"", version, record))


def _record(site: Site, curator_name: str, what: str, sent: Sent) -> UpdateRecord:
    return UpdateRecord(site.settings.base_iri, curator_name, what, sent.bodies, datetime.now(UTC))


def _commit(
    site: Site, target: Target, content: bytes, version: int, record: UpdateRecord
) -> Commit:
    activity = record.activity()
    return site.store.commit(
        Change(
            replace={target.graph: content},
            add={record.graph: record.ntriples(activity)},
            activity=activity,
            base=version,
            shared_blank_nodes=True,
            depends_on=(target.graph,),
        )
    )


def _sent(site: Site, target: Target) -> Sent:
    """The triples of the request, of each part where it has several."""
    base = target.graph or _address()
    if request.mimetype == _MULTIPART:
        bodies = [RdfBody(data, kind, base) for kind, data in _parts(request)]
    else:
        bodies = [RdfBody(request.get_data(cache=False), request.mimetype, base)]
    lines = b"".join(read(body, site.settings) for body in bodies)
    return Sent(tuple(body.content for body in bodies), lines)


def _parts(sent: Request) -> list[tuple[str, bytes]]:
    parts = []
    for file in [part for name in sent.files for part in sent.files.getlist(name)]:
        kind = file.mimetype
        if kind in ("", "application/octet-stream", "text/plain"):
            name = file.filename or ""
            kind = _SUFFIXES.get(name.rpartition(".")[2].lower(), kind)
        parts.append((kind, file.stream.read()))
    if not parts:
        raise Unreadable("the form has no part with a file", fix="Send each graph as a file.")
    return parts
