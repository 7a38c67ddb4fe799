"""What names an answer of a saved query, and that it stays what it is."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from coprod_kg.catalogue.queries import load
from coprod_kg.publishing import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Store
from coprod_kg.web import create_app

NAME = "initiatives-at-stage"
DATA = b"<urn:a> <urn:p> <urn:o> .\n"


@pytest.fixture
def durable(tmp_path: Path, checkout: Path) -> Iterator[tuple[Store, FlaskClient]]:
    settings = Settings(data=tmp_path / "data", keep_versions=2)
    with local.connect(settings) as store:
        publish_model(store, settings.base_iri)
        tiny = (checkout / "tests" / "tiny.ttl").read_bytes()
        triples = ox.parse(tiny, ox.RdfFormat.TURTLE, base_iri=settings.base_iri)
        lines = ox.serialize((one.triple for one in triples), format=ox.RdfFormat.N_TRIPLES)
        store.commit(Change(add={f"{settings.base_iri}graph/organisation/tiny": lines or b""}))
        yield store, create_app(store, settings).test_client()


def test_every_format_names_the_same_answer(client: FlaskClient) -> None:
    text = load()[NAME].text
    seen = set()
    for form in ("json", "csv", "tsv", "xml", "html", "xlsx"):
        response = client.get(f"/queries/{NAME}?format={form}")
        assert response.status_code == 200
        headers = response.headers
        seen.add((headers["Content-SHA256"], headers["Answer-Rows"], headers["Dataset-Version"]))
        assert headers["Query-SHA256"] == hashlib.sha256(text.encode()).hexdigest()
        links = ", ".join(headers.getlist("Link"))
        assert f'/queries/{NAME}?version={headers["Dataset-Version"]}>; rel="cite-as"' in links
        assert 'by/4.0/>; rel="license"' in links
    assert len(seen) == 1


def test_a_permanent_link_gives_the_same_bytes_after_more_data(
    durable: tuple[Store, FlaskClient],
) -> None:
    store, client = durable
    number = store.version()
    addresses = [
        f"/queries/{NAME}.{form}?version={number}" for form in ("json", "csv", "tsv", "xml")
    ]
    before = [client.get(address) for address in addresses]
    bodies = [one.data for one in before]
    assert all(one.status_code == 200 for one in before)
    assert all("immutable" in one.headers["Cache-Control"] for one in before)
    base = "https://w3id.org/coprod/"
    store.commit(Change(replace={f"{base}graph/organisation/tiny": b""}))
    after = [client.get(address) for address in addresses]
    assert [one.data for one in after] == bodies
    assert int(before[0].headers["Answer-Rows"]) > 0
    newest = client.get(f"/queries/{NAME}.json")
    assert newest.headers["Content-SHA256"] != before[0].headers["Content-SHA256"]


def test_a_version_no_longer_kept_is_gone_and_the_nearest_is_named(
    durable: tuple[Store, FlaskClient],
) -> None:
    store, client = durable
    number = store.version()
    for count in range(4):
        store.commit(Change(add={"urn:g": DATA.replace(b"urn:o", b"urn:o%d" % count)}))
    for address in (f"/queries/{NAME}.csv", f"/queries/{NAME}/cite"):
        response = client.get(f"{address}?version={number}")
        assert response.status_code == 410
        assert "nearest version kept is" in response.get_data(as_text=True)


def test_a_citation_comes_as_text_bibtex_and_csl(durable: tuple[Store, FlaskClient]) -> None:
    store, client = durable
    number = store.version()
    answer = client.get(f"/queries/{NAME}.json?stage=project")
    digest = answer.headers["Content-SHA256"]
    text = client.get(f"/queries/{NAME}/cite?stage=project")
    assert text.mimetype == "text/plain"
    assert digest in text.get_data(as_text=True)
    assert f"version {number} of " in text.get_data(as_text=True)
    assert f"/queries/{NAME}?stage=project&version={number}" in text.get_data(as_text=True)
    bib = client.get(f"/queries/{NAME}/cite.bib?stage=project")
    assert bib.mimetype == "application/x-bibtex"
    assert bib.get_data(as_text=True).startswith("@misc{")
    accept = {"Accept": "application/vnd.citationstyles.csl+json"}
    csl = client.get(f"/queries/{NAME}/cite?stage=project", headers=accept)
    assert json.loads(csl.data)[0]["custom"]["parameters"] == [["stage", "project"]]
    assert client.get(f"/queries/{NAME}/cite.csl.json").status_code == 200


def test_a_citation_that_cannot_be_is_refused_in_words(client: FlaskClient) -> None:
    assert client.get(f"/queries/{NAME}/cite.doc").status_code == 404
    assert client.get("/queries/nothing/cite").status_code == 404
    assert client.get(f"/queries/{NAME}/cite?stage=nonsense").status_code == 400


def test_the_page_shows_how_to_cite_it(client: FlaskClient) -> None:
    page = client.get(f"/queries/{NAME}.html").get_data(as_text=True)
    assert "Cite this answer" in page
    assert f"/queries/{NAME}/cite.bib?version=" in page
