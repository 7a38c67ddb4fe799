"""Another service's data is taken in whole, with its source, or nothing is changed."""

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from coprod_kg.errors import NotFound
from coprod_kg.ingest.harvest import harvest
from coprod_kg.ingest.harvest_offers import HarvestRefused
from coprod_kg.ingest.harvest_sources import (
    CatalogueSource,
    DumpSource,
    EndpointSource,
    HarvestSource,
)
from coprod_kg.ingest.history import roll_back
from coprod_kg.ingest.outcome import Outcome, Sender
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import reported
from coprod_kg.ingest.submit import submit
from coprod_kg.publishing.fetched import Fetched
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store.local import serving
from tests.portal.conftest import BASE, CASES, CODER, ROOT, Portal, cases

PROV = "PREFIX prov: <http://www.w3.org/ns/prov#> "
Changed = Callable[[str, Fetched], Fetched]
SAME_AS = "http://www.w3.org/2002/07/owl#sameAs"
FACES = ("catalogue", "dump", "sparql")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Give a service with nothing but the model."""
    settings = Settings.load(
        {"data": tmp_path_factory.mktemp("target") / "data", "workers": 1, "long_queries": 0}, {}
    )
    with serving(settings) as service:
        publish_model(service.store, BASE)
        yield Portal(service.store, settings)


def unchanged(_: str, got: Fetched) -> Fetched:
    return got


def source(portal: Portal, face: str, changed: Changed = unchanged) -> HarvestSource:
    """The service of the other tests by one of its faces, as it is or telling something else."""
    client = portal.client()

    def fetch(method: str, address: str, accept: str) -> Fetched:
        got = client.open(
            "/" + address.removeprefix(ROOT),
            method=method,
            headers={"Accept": accept},
            follow_redirects=True,
        )
        headers = {name.lower(): value for name, value in got.headers.items()}
        return changed(address, Fetched(got.status_code, got.mimetype or "", headers, got.data))

    def construct(address: str, query: str) -> Fetched:
        got = client.post("/sparql", data={"query": query}, headers={"Accept": "text/turtle"})
        return changed(query, Fetched(got.status_code, got.mimetype or "", {}, got.data))

    if face == "dump":
        return DumpSource(f"{ROOT}dump/latest.nq.gz", fetch)
    if face == "sparql":
        return EndpointSource(f"{ROOT}sparql", construct)
    return CatalogueSource(ROOT, fetch)


def taken(
    portal: Portal,
    target: Portal,
    changed: Changed = unchanged,
    *,
    face: str = "catalogue",
    smaller: bool = False,
) -> list[Outcome]:
    found = source(portal, face, changed)
    return harvest(found, target.store, target.settings, smaller=smaller)


def content(portal: Portal, name: str) -> list[str]:
    graph = f"{BASE}graph/organisation/{name}"
    text = "SELECT (CONCAT(STR(?s), STR(?p), STR(?o)) AS ?t) WHERE"
    return portal.column(f"{text} {{ GRAPH <{graph}> {{ ?s ?p ?o }} }} ORDER BY ?t")


def without(name: str) -> Changed:
    """A catalogue that leaves an organisation out."""

    def changed(address: str, got: Fetched) -> Fetched:
        if not address.endswith("catalogue"):
            return got
        text = got.content.decode().replace(f"dataset/organisation-{name}", "dataset/other")
        return replace(got, content=text.encode())

    return changed


def test_a_source_is_taken_in_and_again_only_where_it_changed(
    portal: Portal, target: Portal
) -> None:
    outcomes = taken(portal, target)
    assert [outcome.error for outcome in outcomes] == [None] * len(CASES)
    for name in CASES:
        assert content(target, name) == content(portal, name)
        assert len(content(target, name)) > 20
    senders = target.column(
        PROV + "SELECT DISTINCT ?label WHERE { ?s prov:used ?f ; prov:wasAssociatedWith ?a . "
        "?a <http://www.w3.org/2000/01/rdf-schema#label> ?label }"
    )
    licence = "https://creativecommons.org/licenses/by/4.0/"
    assert any(f"Harvested from {ROOT} (licence {licence})" in sender for sender in senders)
    version = target.store.version()
    for face in FACES:  # the same data is the same file, whatever it was taken from
        again = taken(portal, target, face=face)
        assert [outcome.error for outcome in again] == [None] * len(CASES), face
        assert all(outcome.unchanged for outcome in again), face
        told = as_text(reported(again), BASE).splitlines()
        number = len(CASES)
        assert told[0] == f"{number} files hold what is in the store already, byte for byte."
        assert told[2:] == [f"{number} of {number} accepted, 0 refused. Nothing was changed."]
    assert target.store.version() == version


def repacked(change: Callable[[bytes], bytes]) -> Changed:
    """A dump with other content, whose SHA-256 nobody tells."""

    def changed(_: str, got: Fetched) -> Fetched:
        return replace(got, headers={}, content=gzip.compress(change(gzip.decompress(got.content))))

    return changed


def without_lines(part: bytes) -> Changed:
    return repacked(
        lambda content: b"".join(
            line for line in content.splitlines(keepends=True) if part not in line
        )
    )


def cut(_: str, got: Fetched) -> Fetched:
    return replace(got, headers={}, content=got.content[: len(got.content) // 2])


def swapped(_: str, got: Fetched) -> Fetched:
    return replace(got, content=got.content + b"\0")


def away(_: str, got: Fetched) -> Fetched:
    return replace(got, status=503)


def partial(query: str, got: Fetched) -> Fetched:
    """An endpoint that hands out no more than some of the statements."""
    if "asker-kommune>" not in query:
        return got
    start = got.content.rindex(b".\n", 0, len(got.content) * 3 // 4)
    return replace(got, content=got.content[: start + 2])


def garbled(_: str, got: Fetched) -> Fetched:
    return replace(got, media_type="text/html", content=b"<html>")


ASKER, LICENCE = b"dataset/organisation-asker-kommune> <http", b"://purl.org/dc/terms/license"


@pytest.mark.parametrize(
    ("face", "changed", "reason"),
    [
        ("dump", away, "the dump got HTTP 503"),
        ("dump", cut, "cannot be read"),
        ("dump", swapped, "Content-SHA256"),
        ("dump", without_lines(b"#runBy> "), "its description says"),
        ("dump", without_lines(ASKER + LICENCE), "has no licence"),
        ("dump", without_lines(ASKER), "describes no dataset"),
        ("sparql", away, "the endpoint got HTTP 503"),
        ("sparql", garbled, "cannot be read"),
        ("sparql", partial, "on asker-kommune, and its description says"),
    ],
)
def test_a_dump_or_an_endpoint_that_is_not_well_changes_nothing(
    portal: Portal, target: Portal, face: str, changed: Changed, reason: str
) -> None:
    version = target.store.version()
    with pytest.raises(HarvestRefused, match=reason):
        taken(portal, target, changed, face=face)
    assert target.store.version() == version


def test_links_to_wikidata_stand_apart_and_only_where_the_source_states_them(
    portal: Portal, target: Portal
) -> None:
    taken(portal, target)
    links, name = f"{BASE}graph/same-as/asker-kommune", "asker-kommune"
    wanted = "http://www.wikidata.org/entity/Q57089"
    asked = f"SELECT ?same WHERE {{ GRAPH <{links}> {{ ?s <{SAME_AS}> ?same }} }}"
    assert target.column(asked) == []
    before = content(target, name)

    def linked(dump: bytes) -> bytes:
        """The dump with one statement more, which its description counts."""
        stated = f"<{BASE}id/organisation/{name}> <{SAME_AS}> <{wanted}>"
        number = re.compile(rb"(organisation-asker-kommune> <[^>]+#triples> )\"(\d+)\"")
        counted = number.sub(lambda found: b'%s"%d"' % (found[1], int(found[2]) + 1), dump)
        return counted + f"{stated} <{BASE}graph/organisation/{name}> .\n".encode()

    outcomes = taken(portal, target, repacked(linked), face="dump")
    assert sorted(outcome.unchanged for outcome in outcomes) == [False, True, True]
    assert target.column(asked) == [wanted]
    assert content(target, name) == before
    # what is published of the organisation has it, so that the next one can harvest it
    dump = target.client().get(f"/dump/{target.store.version()}/organisation-{name}.ttl").text
    assert wanted in dump
    assert target.column(asked, (name,)) == []
    (changed,) = [outcome for outcome in outcomes if not outcome.unchanged]
    source_itself = Sender("harvest-localhost")
    roll_back(changed.submission or "", target.store, target.settings, source_itself)
    assert target.column(asked) == []
    assert content(target, name) == before
    taken(portal, target, repacked(linked), face="dump")
    assert target.column(asked) == [wanted]
    taken(portal, target)
    assert target.column(asked) == []


def lying(address: str, got: Fetched) -> Fetched:
    return replace(got, content=got.content + b"\n") if "/dump/" in address else got


def gone(address: str, got: Fetched) -> Fetched:
    return replace(got, status=503) if address.endswith("asker-kommune.ttl") else got


def page(address: str, got: Fetched) -> Fetched:
    return replace(got, content=b"<html>") if address.endswith("catalogue") else got


def unlicensed(address: str, got: Fetched) -> Fetched:
    text = got.content.replace(b"dcterms:license ", b"dcterms:rights ")
    return replace(got, content=text) if address.endswith("catalogue") else got


def round_and_round(address: str, got: Fetched) -> Fetched:
    link = f"\n<urn:page> <http://www.w3.org/ns/hydra/core#next> <{ROOT}catalogue> .\n".encode()
    return replace(got, content=got.content + link) if address.endswith("catalogue") else got


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lying, "its size or SHA-256 is not"),
        (gone, "the file got HTTP 503"),
        (page, "cannot be read"),
        (unlicensed, "has no licence"),
        (round_and_round, "in a circle"),
        (without("asker-kommune"), "nothing on asker-kommune any more"),
    ],
)
def test_a_source_that_is_not_well_changes_nothing(
    portal: Portal, target: Portal, changed: Changed, reason: str
) -> None:
    taken(portal, target)
    version = target.store.version()
    with pytest.raises(HarvestRefused, match=reason):
        taken(portal, target, changed)
    assert target.store.version() == version
    assert all(content(target, name) for name in CASES)


def test_a_smaller_source_is_believed_where_that_is_said(portal: Portal, target: Portal) -> None:
    taken(portal, target)
    outcomes = taken(portal, target, without("asker-kommune"), smaller=True)
    assert all(outcome.error is None for outcome in outcomes)
    assert content(target, "asker-kommune") == content(portal, "asker-kommune")


def test_a_catalogue_that_states_no_number_of_statements_has_not_shrunk(
    portal: Portal, target: Portal
) -> None:
    def unnumbered(address: str, got: Fetched) -> Fetched:
        text = got.content.replace(b"void:triples", b"void:entities")
        return replace(got, content=text) if address.endswith("catalogue") else got

    taken(portal, target)
    outcomes = taken(portal, target, unnumbered)
    assert all(outcome.error is None for outcome in outcomes)


def test_a_catalogue_without_organisations_is_no_source(portal: Portal, target: Portal) -> None:
    def nothing(address: str, got: Fetched) -> Fetched:
        text = got.content.replace(b"dataset/organisation-", b"dataset/other-")
        return replace(got, content=text) if address.endswith("catalogue") else got

    with pytest.raises(NotFound):
        taken(portal, target, nothing)


def test_nobody_who_sends_data_here_is_spoken_for(portal: Portal, target: Portal) -> None:
    taken(portal, target)
    outcomes = submit(cases()[:1], target.store, target.settings, CODER)
    assert outcomes[0].error is None
    version = target.store.version()
    with pytest.raises(HarvestRefused, match="on which others sent data here"):
        taken(portal, target)
    assert target.store.version() == version
