"""Routes of downloads: a version as a file, an organisation's statements, the JSON-LD context."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from coprod_kg.access import hidden
from coprod_kg.errors import NotFound, VersionGone
from coprod_kg.publishing.json_context import CONTEXT, context_document
from coprod_kg.publishing.portal_documents import File
from coprod_kg.publishing.serialisations import SERIALISATIONS, serialised_lines
from coprod_kg.store.base import Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.dump_files import DUMPS, DumpFiles
from coprod_kg.web.address import root
from coprod_kg.web.replies import LATEST, PINNED
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["blueprint", "known_files"]

_PIECE: Final = 1 << 16
_PACKED: Final = "application/gzip"
_KEPT: Final = "public, max-age=86400"
_ROOT: Final = """SELECT ?endpoint WHERE {{ GRAPH <{base}graph/catalogue> {{
  <{base}graph/catalogue> <http://rdfs.org/ns/void#sparqlEndpoint> ?endpoint }} }}"""
_SIZED: Final = """SELECT ?version WHERE {{ GRAPH <{base}graph/catalogue> {{
  <{base}dataset/organisation-{name}> <http://www.w3.org/ns/dcat#version> ?version }} }}"""


def blueprint(site: Site) -> Blueprint:
    """The routes of downloads."""
    routes = Blueprint("dumps", __name__)
    for rule, endpoint, view in (
        ("/dump/<name>", "version", _version),
        ("/dump/<number>/<name>", "organisation", _organisation),
    ):
        routes.add_url_rule(rule, endpoint=endpoint, view_func=partial(view, site))
    routes.add_url_rule(f"/{CONTEXT}", endpoint="context", view_func=_context)
    return routes


def _context() -> Response:
    """The context that JSON-LD files name."""
    response = Response(context_document(), content_type="application/ld+json")
    response.headers["Cache-Control"] = _KEPT
    response.add_etag()
    response.make_conditional(request)
    return response


def known_files(site: Site, number: int) -> dict[str, File]:
    """The files of a version that were made already, by their addresses."""
    files = _files(site)
    found = {suffix: files.known(number, suffix) for suffix in DUMPS}
    start = f"{root()}dump/{number}"
    return {
        f"{start}.{suffix}.gz": File(file.size, file.sha256)
        for suffix, file in found.items()
        if file
    }


def _files(site: Site) -> DumpFiles:
    base = site.settings.base_iri
    unseen = hidden(site.private.organisations(), base)
    return DumpFiles(DataDirectory(site.settings.data), base, unseen)


def _version(site: Site, name: str) -> Response:
    """All graphs of a version, as N-Quads or TriG, packed."""
    number, _, suffix = name.partition(".")
    suffix = suffix.removesuffix(".gz") or "nq"
    if suffix not in DUMPS:
        raise NotFound(
            f"there is no file .{suffix[:20]}", fix="There are .nq.gz and .trig.gz of each version."
        )
    if number == "latest":
        address = f"/dump/{site.version()}.{suffix}.gz"
        return Response(status=307, headers={"Location": address, "Cache-Control": LATEST})
    version = _number(number)
    files = _files(site)
    file = files.known(version, suffix)
    if file is None:
        _check_kept(site, version)
        with site.making():
            file = files.made(version, suffix)
    body = _pieces(file.path)
    return _sent(site, body, (file.size, file.sha256), _PACKED, f"{version}.{suffix}.gz", version)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise NotFound(f"there is no version {text[:20]!r}", fix="/versions lists them.")
    return int(text)


def _check_kept(site: Site, version: int) -> None:
    """Refuse a version that is not there.

    Raises:
        NotFound: it is not there yet.
        VersionGone: it is not kept.
    """
    kept = site.store.versions()
    if version > site.version() or version < 1:
        raise NotFound(f"there is no version {version}", fix="/versions lists them.")
    if version not in kept:
        nearest = min(kept, key=lambda other: abs(other - version))
        raise VersionGone(
            f"version {version} is not kept", fix=f"The nearest version kept is {nearest}."
        )


def _organisation(site: Site, number: str, name: str) -> Response:
    """The statements of one organisation, as they were in a version."""
    site.see_public()
    slug, _, suffix = name.removeprefix("organisation-").rpartition(".")
    if not name.startswith("organisation-") or suffix not in SERIALISATIONS or not slug:
        raise NotFound(
            f"there is no file {name[:80]!r}", fix="/catalogue lists what can be downloaded."
        )
    version = _number(number)
    if version not in site.store.versions():
        # What has not changed since is the same in the newest version.
        if _changed_last(site, slug) != version:
            _check_kept(site, version)
        asked = site.version()
    else:
        asked = version
    graph = f"{site.settings.base_iri}graph/organisation/{slug}"
    links = f"{site.settings.base_iri}graph/same-as/{slug}"
    text = (
        f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?graph {{ <{graph}> <{links}> }} "
        "GRAPH ?graph { ?s ?p ?o } }"
    )
    if any(sign in graph for sign in '<>"{}|^`\\ '):
        raise NotFound(f"there is no dataset of {slug[:80]!r}")
    query = Query(text, ("application/n-triples",), version=asked, union=False)
    lines = site.ask_store(query).read()
    if not lines:
        thing = f"{site.settings.base_iri}id/organisation/{slug}"
        refuse_withdrawn(site, thing, asked, f"the dataset of {slug}")
        raise NotFound(f"there is no dataset of {slug[:80]!r}", fix="/catalogue lists them.")
    body = serialised_lines(lines, suffix, _root(site, asked))
    size = len(body), sha256(body).hexdigest()
    return _sent(site, body, size, SERIALISATIONS[suffix][0], name, version)


def _root(site: Site, version: int) -> str:
    """The address of the service when a version was described: its files name that one."""
    text = _ROOT.format(base=site.settings.base_iri)
    query = Query(text, ("text/csv",), version=version, union=False)
    rows = site.ask_store(query).read().decode().split()
    return rows[1].removesuffix("sparql") if len(rows) > 1 else site.settings.base_iri


def _changed_last(site: Site, slug: str) -> int | None:
    """The version in which an organisation's data was changed last."""
    if not slug.replace("-", "").isalnum():
        return None
    text = _SIZED.format(base=site.settings.base_iri, name=slug)
    rows = site.ask_store(Query(text, ("text/csv",), union=False)).read().decode().split()
    return int(rows[1]) if len(rows) > 1 else None


def _sent(
    site: Site,
    body: bytes | Iterator[bytes],
    size: tuple[int, str],
    media_type: str,
    name: str,
    version: int,
) -> Response:
    """A file with its checksum as its tag, or a 304 where the client has it already."""
    length, digest = size
    response = Response(body, content_type=media_type)
    response.headers["Content-Length"] = str(length)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-SHA256"] = digest
    response.headers["Dataset-Version"] = str(version)
    lineage = request.args.get("lineage")
    if lineage:
        site.store.identity().check(lineage, [version])
    # Without its lineage the number may stand for other data after a restore.
    response.headers["Cache-Control"] = PINNED if lineage else LATEST
    response.set_etag(digest)
    if request.if_none_match.contains(digest):
        response.close()
        return Response(status=304, headers={"ETag": response.headers["ETag"]})
    return response


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
