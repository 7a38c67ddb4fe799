"""Another service's data is taken in whole, with its source, or nothing is changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from coprod_kg.errors import NotFound
from coprod_kg.ingest.harvest import HarvestRefused, harvest
from coprod_kg.ingest.outcome import Outcome
from coprod_kg.ingest.submit import submit
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.publishing.portal_check import Fetch, Fetched
from coprod_kg.settings import Settings
from coprod_kg.store.local import serving
from tests.portal.conftest import BASE, CASES, CODER, ROOT, Portal, cases

PROV = "PREFIX prov: <http://www.w3.org/ns/prov#> "
Changed = Callable[[str, Fetched], Fetched]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Give a service with nothing but the model."""
    settings = Settings.load(
        {"data": tmp_path_factory.mktemp("target") / "data", "workers": 1, "long_queries": 0}, {}
    )
    with serving(settings) as service:
        publish_model(service.store, BASE)
        yield Portal(service.store, settings)


def source(portal: Portal, changed: Changed = lambda _, got: got) -> Fetch:
    """The service of the other tests, as it is or telling something else."""
    client = portal.client()

    def fetch(method: str, address: str, accept: str) -> Fetched:
        got = client.open(
            "/" + address.removeprefix(ROOT), method=method, headers={"Accept": accept}
        )
        headers = {name.lower(): value for name, value in got.headers.items()}
        return changed(address, Fetched(got.status_code, got.mimetype or "", headers, got.data))

    return fetch


def taken(
    portal: Portal, target: Portal, changed: Changed = lambda _, got: got, *, smaller: bool = False
) -> list[Outcome]:
    fetch = source(portal, changed)
    return harvest(ROOT, fetch, target.store, target.settings, smaller=smaller)


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
    again = taken(portal, target)
    assert all(outcome.unchanged for outcome in again)
    assert target.store.version() == version


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
        (lying, "its bytes are not those"),
        (gone, "it answers 503"),
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
    with pytest.raises(HarvestRefused, match="sent its data here itself"):
        taken(portal, target)
    assert target.store.version() == version
