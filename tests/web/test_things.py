"""Things as linked data: 303 to a page or a document, every format, links both ways."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, RdfFormat, parse

from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.web.conftest import tiny_world

BASE = "https://w3id.org/coprod/"
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("address", "accept", "location"),
    [
        ("/id/initiative/alpha", "text/html", "/page/initiative/alpha"),
        ("/id/initiative/alpha", "text/turtle", "/doc/initiative/alpha"),
        ("/id/initiative/alpha", "*/*", "/doc/initiative/alpha"),
        ("/id/initiative/alpha.ttl", "text/html", "/doc/initiative/alpha.ttl"),
        ("/id/initiative/alpha.html", "*/*", "/page/initiative/alpha"),
        ("/id/initiative/alpha?format=jsonld", "text/html", "/doc/initiative/alpha.jsonld"),
        ("/vocab/stage/project", "text/html", "/page/vocab/stage/project"),
        ("/vocab/stage/project.nt", "*/*", "/doc/vocab/stage/project.nt"),
    ],
)
def test_a_thing_sends_to_what_tells_of_it(
    client: FlaskClient, address: str, accept: str, location: str
) -> None:
    response = client.get(address, headers={"Accept": accept})
    assert response.status_code == 303
    assert response.headers["Location"] == location
    assert "Accept" in response.headers["Vary"]
    assert client.get(location).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/id/initiative/nobody",
        "/page/initiative/nobody",
        "/doc/initiative/nobody",
        "/id/initiative/nobody.ttl",
        "/id/nothing/alpha",
        "/vocab/stage/nothing",
        "/id/initiative/a%20b",
        "/id/initiative/%3Cx%3E",
        "/id/initiative/%FF",
    ],
)
def test_an_unknown_thing_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("ttl", RdfFormat.TURTLE),
        ("jsonld", RdfFormat.JSON_LD),
        ("nt", RdfFormat.N_TRIPLES),
        ("rdf", RdfFormat.RDF_XML),
    ],
)
def test_the_document_holds_the_thing_both_ways_in_every_format(
    client: FlaskClient, suffix: str, form: RdfFormat
) -> None:
    response = client.get(f"/doc/initiative/alpha.{suffix}")
    assert response.mimetype == form.media_type
    assert response.headers["Content-Location"] == f"/doc/initiative/alpha.{suffix}"
    assert 'rel="describes"' in response.headers["Link"]
    triples = {quad.triple for quad in parse(response.data, format=form)}
    alpha = NamedNode(f"{BASE}id/initiative/alpha")
    assert any(one.subject == alpha for one in triples)
    assert any(one.object == alpha for one in triples)
    claims = {one.subject for one in triples if one.predicate.value.endswith("#about")}
    assert any(one.subject in claims and one.predicate.value.endswith("#basis") for one in triples)


def test_the_page_says_who_claims_what_on_what_basis(client: FlaskClient) -> None:
    text = client.get("/page/initiative/alpha").text
    for said in (
        "Claimed by",
        "The coder",
        "Secondary coding",
        "Self-claim",
        "An evaluation report",
        "No evidence is given.",
        'href="/id/organisation/north-city"',
        'href="/vocab/stage/programme"',
        '<link rel="canonical" href="http://localhost/page/initiative/alpha">',
        'type="text/turtle"',
    ):
        assert said in text, said


def test_a_page_says_what_it_leaves_out() -> None:
    store = MemoryStore()
    things = "".join(
        f"<id/evidence/{n:0>80}> <urn:about> <id/initiative/a> .\n" for n in range(15_000)
    )
    store.load("urn:g", things.encode())
    text = create_app(store, Settings()).test_client().get("/page/initiative/a").text
    assert "left out here: what refers to it" in text


def test_an_organisation_leads_to_its_initiatives(client: FlaskClient) -> None:
    assert 'href="/id/initiative/alpha"' in client.get("/page/organisation/north-city").text


def test_a_thing_held_already_is_not_sent_again(client: FlaskClient) -> None:
    for address in ("/page/initiative/alpha", "/doc/initiative/alpha.ttl", "/"):
        whole = client.get(address)
        held = client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
        assert held.status_code == 304
        for name in ("Content-Location", "Vary", "Cache-Control", "ETag"):
            assert held.headers.get(name) == whole.headers.get(name), name
        assert "Content-Type" not in held.headers


@pytest.mark.parametrize("accept", ["text/turtle", "application/ld+json", "application/rdf+xml"])
def test_a_document_held_already_has_the_address_of_its_format(
    client: FlaskClient, accept: str
) -> None:
    address = "/doc/initiative/alpha"
    whole = client.get(address, headers={"Accept": accept})
    tag = whole.headers["ETag"]
    held = client.get(address, headers={"Accept": accept, "If-None-Match": tag})
    assert held.status_code == 304
    assert held.headers["Content-Location"] == whole.headers["Content-Location"]


def test_a_request_never_waits_for_a_slot_that_it_holds_itself(checkout: Path) -> None:
    one = Settings(client_queries=1, workers=1, long_queries=0, queue_seconds=0.2)
    client = create_app(tiny_world(checkout), one).test_client()
    query = "SELECT%20*%20%7B%20?s%20?p%20?o%20%7D"
    for address in (
        *("/doc/organisation/north-city", "/doc/vocab/stage/programme", "/doc/initiative/alpha"),
        *("/doc/initiative/alpha?_profile=org", "/page/initiative/alpha", "/initiatives/alpha"),
        *("/queries/initiatives.csv", "/queries/initiatives.json", "/queries/initiatives/cite"),
        *(f"/sparql?query={query}", "/", "/versions", "/search?q=alpha"),
    ):
        for accepted in ("text/turtle, */*;q=0.1", "text/html, */*;q=0.1"):
            response = client.get(address, headers={"Accept": accepted})
            assert response.data is not None
            assert response.status_code in (200, 303), (address, response.text)
