"""What may be kept of an answer, how long, and how a client learns that it has it already."""

from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import LINEAGE, MemoryStore

ASK = "ASK { ?s ?p ?o }"
SELECT = "SELECT ?o WHERE { <https://w3id.org/coprod/id/initiative/alpha> a ?o }"


def get(client: FlaskClient, accept: str = "*/*", **parameters: str) -> TestResponse:
    return client.get(f"/sparql?{urlencode(parameters)}", headers={"Accept": accept})


def test_an_answer_held_already_is_not_asked_again(world: MemoryStore, client: FlaskClient) -> None:
    address = f"/sparql?query={quote(SELECT)}"
    tags = {}
    for accept in ("application/json", "text/csv", "application/sparql-results+json"):
        tags[accept] = client.get(address, headers={"Accept": accept}).headers["ETag"]
    assert len(set(tags.values())) == 3
    asked = len(world.asked)
    held = {"Accept": "text/csv", "If-None-Match": f'"other", {tags["text/csv"]}'}
    response = client.get(address, headers=held)
    assert response.status_code == 304
    assert response.data == b""
    assert response.headers["ETag"] == tags["text/csv"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Accept" in response.headers["Vary"]
    assert len(world.asked) == asked
    other = {"Accept": "text/csv, */*;q=0.1", "If-None-Match": tags["application/json"]}
    assert client.get(address, headers=other).status_code == 200


def test_another_version_is_another_answer() -> None:
    store = MemoryStore()
    client = create_app(store, Settings()).test_client()
    address = f"/sparql?query={quote(ASK)}"
    first = client.get(address)
    store.load("urn:g", b"<urn:a> <urn:b> <urn:c> .")
    second = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert [one.headers["Dataset-Version"] for one in (first, second)] == ["0", "1"]
    assert second.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    numbered = client.get(f"{address}&version=1", buffered=True)
    assert numbered.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    fixed = f"{address}&version=1&lineage={LINEAGE.lineage}"
    pinned = client.get(fixed, buffered=True)
    assert "immutable" in pinned.headers["Cache-Control"]
    assert pinned.headers["ETag"] == second.headers["ETag"]
    assert LINEAGE.lineage in second.headers["ETag"]


@pytest.mark.parametrize(
    "address",
    [
        f"/sparql?query={quote('SELECT (NOW() AS ?now) {}')}",
        f"/sparql?query={quote('SELECT (STRUUID() AS ?one) {}')}&version=1",
        "/queries/stages-at-date",
        "/queries/stages-at-date.csv?version=1",
        "/queries/stages-at-date?format=html",
    ],
)
def test_an_answer_that_depends_on_the_day_is_held_by_nobody(address: str) -> None:
    store = MemoryStore()
    store.load("urn:g", b"<urn:a> <urn:b> <urn:c> .")
    client = create_app(store, Settings()).test_client()
    other = client.get("/queries/initiatives-by-stage").headers["ETag"]
    answer = client.get(address, headers={"If-None-Match": other})
    assert answer.status_code == 200
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_answer_has_its_length(client: FlaskClient) -> None:
    response = get(client, query=SELECT)
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_an_answer_of_unknown_length_is_sent_as_it_comes() -> None:
    store = MemoryStore(whole=0)
    store.load("urn:g", b"<urn:a> <urn:b> <urn:c>, <urn:d> .")
    client = create_app(store, Settings()).test_client()
    response = get(client, "text/csv", query="SELECT ?o { ?s ?p ?o } ORDER BY ?o")
    assert response.data == b"o\r\nurn:c\r\nurn:d\r\n"
    assert "Content-Length" not in response.headers
