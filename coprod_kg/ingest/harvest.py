"""Harvest of another service's data: its catalogue, the files of its organisations, our own road.

All or nothing: a source that is broken, that says less than it did, or whose files are not what its
catalogue says of them, changes nothing. What is taken enters as any other submission does, with the
address of the file as its name, and the source and its licence as its sender.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import DataError, NotFound
from coprod_kg.ingest.known import last_submissions
from coprod_kg.ingest.outcome import Outcome, Sender, Sent
from coprod_kg.ingest.submit import SubmitOptions, submit
from coprod_kg.model.namespaces import expand
from coprod_kg.publishing.portal_check import Fetch
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store

__all__ = ["HarvestRefused", "Offered", "harvest", "offered"]

_MOST_PAGES: Final = 10_000
_MEDIA: Final = "http://www.iana.org/assignments/media-types/text/turtle"
_SPDX: Final = "http://spdx.org/rdf/terms#"
_NAME: Final = re.compile(r"/dataset/organisation-([a-z0-9]+(?:-[a-z0-9]+)*)$")
_SMALLER: Final = 0.5
"""A source that has less than this share of what it had is not believed."""


class HarvestRefused(DataError):
    """The source is broken, shrunken, or not what it says."""

    title = "The source cannot be harvested"


@dataclass(frozen=True, slots=True)
class Offered:
    """The data on one organisation, as a catalogue offers it.

    Attributes:
        organisation: its name, the last part of its IRI.
        address: of the file in Turtle.
        licence: the IRI of its licence.
        size: of the file in bytes.
        digest: the SHA-256 of the file.
        triples: how many statements it has, where that is told.
    """

    organisation: str
    address: str
    licence: str
    size: int
    digest: str
    triples: int


def harvest(
    address: str,
    fetch: Fetch,
    store: Store,
    settings: Settings,
    way: SubmitOptions | None = None,
    *,
    smaller: bool = False,
) -> list[Outcome]:
    """Take in what a catalogue offers on organisations, as far as it is new.

    Args:
        address: of the service or of its catalogue.
        fetch: sends a request.
        store: where the data goes.
        settings: limits and names.
        way: how the submission is dealt with.
        smaller: believe a source that has much less than before.

    Raises:
        HarvestRefused: the source is broken, shrunken or not what it says; nothing was changed.
        NotFound: it offers no data on organisations.
    """
    parts = offered(address, fetch)
    sender = _sender(address, parts)
    graphs = _graphs(store, settings)
    mine = sender.iri(settings.base_iri)
    held = {
        graph.rpartition("/")[2]
        for graph, (_, _, by, _) in last_submissions(store, graphs).items()
        if by == mine
    }
    stem = f"{settings.base_iri}graph/organisation/"
    others = [part.organisation for part in parts if part.organisation not in held]
    taken = [name for name in others if f"{stem}{name}" in graphs]
    if taken:
        raise HarvestRefused(
            f"{_listed(taken)} sent its data here itself",
            where=address,
            fix="Harvest a source that does not speak for those who send data here.",
        )
    if not smaller:
        _refuse_shrunken(address, parts, {name: graphs[f"{stem}{name}"] for name in held})
    sent = [_file(part, fetch) for part in parts]
    return submit(sent, store, settings, sender, way)


def offered(address: str, fetch: Fetch) -> list[Offered]:
    """What a catalogue offers on organisations, from all its pages.

    Raises:
        HarvestRefused: a page is broken, or an offer lacks its licence, size or checksum.
        NotFound: there is none.
    """
    said: dict[str, dict[str, list[str]]] = {}
    for triple in _pages(address, fetch):
        if isinstance(triple.subject, ox.NamedNode) and isinstance(
            triple.object, ox.NamedNode | ox.Literal
        ):
            values = said.setdefault(triple.subject.value, {})
            values.setdefault(triple.predicate.value, []).append(triple.object.value)

    def value(subject: str, path: str) -> str:
        iri = path if "://" in path else expand(path)
        return min(said.get(subject, {}).get(iri, []), default="")

    found = []
    for dataset in sorted(said):
        name = _NAME.search(dataset)
        if name is None or expand("dcat:Dataset") not in said[dataset].get(expand("rdf:type"), []):
            continue
        files = said[dataset].get(expand("dcat:distribution"), [])
        file = next((link for link in files if value(link, "dcat:mediaType") == _MEDIA), "")
        told = {
            "a file in Turtle": value(file, "dcat:downloadURL"),
            "a licence": value(file, "dcterms:license") or value(dataset, "dcterms:license"),
            "a size": value(file, "dcat:byteSize"),
            "a SHA-256": value(value(file, f"{_SPDX}checksum"), f"{_SPDX}checksumValue"),
        }
        missing = [what for what, text in told.items() if not text]
        if missing:
            raise HarvestRefused(f"{dataset} has no {missing[0].partition(' ')[2]}", where=address)
        link, licence, size, digest = told.values()
        triples = value(dataset, "void:triples")
        found.append(
            Offered(
                name[1],
                link,
                licence,
                int(size) if size.isdigit() else -1,
                digest.lower(),
                int(triples) if triples.isdigit() else 0,
            )
        )
    if not found:
        raise NotFound(
            "the catalogue offers no data on organisations",
            where=address,
            fix="Give the address of a service like this one, or of its /catalogue.",
        )
    return found


def _pages(address: str, fetch: Fetch) -> Iterable[ox.Triple]:
    """The statements of all pages of a catalogue, each read whole.

    Raises:
        HarvestRefused: one is missing, no RDF, or leads to one that was read already.
    """
    start = address.rstrip("/")
    page: str | None = start if start.endswith("/catalogue") else f"{start}/catalogue"
    seen: set[str] = set()
    triples: list[ox.Triple] = []
    while page:
        if page in seen or len(seen) >= _MOST_PAGES:
            raise HarvestRefused("its pages lead in a circle", where=page)
        seen.add(page)
        got = fetch("GET", page, "text/turtle")
        if got.status != 200:
            raise HarvestRefused(
                f"the catalogue answers {got.status or 'nothing'}",
                where=page,
                fix="Nothing was changed. Try again when the source is well.",
            )
        form = ox.RdfFormat.from_media_type(got.media_type)
        try:
            if form is None:
                raise ValueError(f"{got.media_type or 'nothing'} is no RDF")
            found = [quad.triple for quad in ox.parse(got.content, format=form)]
        except (SyntaxError, ValueError) as error:
            raise HarvestRefused(f"a page cannot be read: {error}", where=page) from None
        triples += found
        following = (
            triple.object for triple in found if triple.predicate.value == expand("hydra:next")
        )
        page = next((str(node.value) for node in following if isinstance(node, ox.NamedNode)), None)
    return triples


def _file(part: Offered, fetch: Fetch) -> Sent:
    """The file of an organisation.

    Raises:
        HarvestRefused: it is not there, or not what the catalogue says.
    """
    got = fetch("GET", part.address, "text/turtle")
    if got.status != 200:
        raise HarvestRefused(f"it answers {got.status or 'nothing'}", where=part.address)
    if len(got.content) != part.size or sha256(got.content).hexdigest() != part.digest:
        raise HarvestRefused(
            "its bytes are not those that the catalogue tells",
            where=part.address,
            fix="Nothing was changed. The source may be changing just now: try again.",
        )
    return Sent(part.address, got.content, "text/turtle", part.organisation)


def _refuse_shrunken(address: str, parts: Sequence[Offered], held: dict[str, int]) -> None:
    """Refuse a source that leaves out what it had, or has much less of it.

    Raises:
        HarvestRefused: it does.
    """
    gone = sorted(held.keys() - {part.organisation for part in parts})
    had = sum(held.values())
    has = sum(part.triples for part in parts if part.organisation in held)
    if gone:
        what = f"it has nothing on {_listed(gone)} any more"
    elif has < _SMALLER * had:
        what = f"it has {has} statements where it had {had}"
    else:
        return
    raise HarvestRefused(
        what,
        where=address,
        fix="Nothing was changed. If that is meant so, harvest with --smaller; what the source "
        "leaves out stays here.",
    )


def _sender(address: str, parts: Sequence[Offered]) -> Sender:
    """The source as a sender, with its licence."""
    plain = address.partition("://")[2].removesuffix("/catalogue").rstrip("/").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    licences = ", ".join(sorted({part.licence for part in parts}))
    return Sender(f"harvest-{slug}", f"Harvested from {address} (licence {licences})")


def _graphs(store: Store, settings: Settings) -> dict[str, int]:
    """The graphs of organisations that are here, and how many statements each holds."""
    stem = f"{settings.base_iri}graph/organisation/"
    text = (
        "SELECT ?graph (COUNT(*) AS ?n) WHERE { GRAPH ?graph { ?s ?p ?o } "
        f'FILTER(STRSTARTS(STR(?graph), "{stem}")) }} GROUP BY ?graph'
    )
    rows = store.query(Query(text, ("text/csv",))).read().decode().splitlines()[1:]
    pairs = (row.rpartition(",") for row in rows)
    return {graph: int(number) for graph, _, number in pairs}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
