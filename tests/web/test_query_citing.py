"""What names an answer of a saved query, and that it stays what it is."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from coprod_kg.errors import WrongUsage
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.queries.library import load
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Store
from coprod_kg.web import create_app
from tests.memory_store import LINEAGE, MemoryStore

NAME = "initiatives-at-stage"
CHARTED = "initiatives-by-stage"
FORMS = {
    NAME: ("json", "csv", "tsv", "xml", "xlsx", "crate.zip"),
    CHARTED: ("svg", "png", "vega", "crate.zip"),
    "statements": ("ttl", "nt", "jsonld", "crate.zip"),
}
GRAPH = """#+ summary: Which statements are there about initiatives?
#+ description: Each with a node of its own.
#+ tags: test
#+ answers: CQ-01
CONSTRUCT { ?initiative <urn:said> [ <urn:label> ?label ] }
WHERE { ?initiative a <https://w3id.org/coprod/ontology#Initiative> ;
        <http://www.w3.org/2000/01/rdf-schema#label> ?label }
ORDER BY ?initiative ?label
"""
DATA = b"<urn:a> <urn:p> <urn:o> .\n"


@pytest.fixture
def durable(tmp_path: Path, checkout: Path) -> Iterator[tuple[Store, FlaskClient]]:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "statements.rq").write_text(GRAPH)
    settings = Settings(data=tmp_path / "data", keep_versions=2, queries=tmp_path / "own")
    with local.connect(settings, create=True) as store:
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
        place = f"version={headers['Dataset-Version']}&lineage={LINEAGE.lineage}"
        assert f'/queries/{NAME}?{place}>; rel="cite-as"' in links
        assert 'by/4.0/>; rel="license"' in links
    assert len(seen) == 1


def test_a_permanent_link_gives_the_same_bytes_after_more_data(
    durable: tuple[Store, FlaskClient],
) -> None:
    store, client = durable
    number = store.version()
    addresses = [
        f"/queries/{name}.{form}?version={number}&lineage={store.identity().lineage}"
        for name, forms in FORMS.items()
        for form in forms
    ]
    before = [client.get(address) for address in addresses]
    bodies = [one.data for one in before]
    assert all(one.status_code == 200 for one in before)
    assert all("immutable" in one.headers["Cache-Control"] for one in before)
    base = "https://w3id.org/coprod/"
    store.commit(Change(replace={f"{base}graph/organisation/tiny": b""}))
    fresh = create_app(store, client.application.config["SETTINGS"]).test_client()
    for address, body in zip(addresses, bodies, strict=True):
        assert fresh.get(address).data == body, address
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


def test_a_client_that_has_the_answer_is_told_its_name_again(client: FlaskClient) -> None:
    whole = client.get(f"/queries/{NAME}.json?stage=project")
    held = {"If-None-Match": whole.headers["ETag"]}
    again = client.get(f"/queries/{NAME}.json?stage=project", headers=held)
    assert again.status_code == 304
    assert again.headers["Query-SHA256"] == whole.headers["Query-SHA256"]
    cited = [one for one in whole.headers.getlist("Link") if "cite-as" in one or "license" in one]
    assert len(cited) == 2
    assert set(cited) <= set(again.headers.getlist("Link"))


def test_a_workbook_says_how_it_is_cited(client: FlaskClient) -> None:
    response = client.get(f"/queries/{NAME}.xlsx?stage=project")
    about = load_workbook(io.BytesIO(response.data))["About"]
    told = {str(row[0].value): str(row[1].value) for row in about.iter_rows()}
    assert response.headers["Content-SHA256"] in told["Citation"]
    assert f"/queries/{NAME}?stage=project&version=" in told["Citation"]


def test_links_are_written_with_the_public_address(world: MemoryStore) -> None:
    public = Settings(public_url="https://data.example.org/")
    client = create_app(world, public).test_client()
    answer = client.get(f"/queries/{NAME}.json?stage=project&limit=1")
    links = ", ".join(answer.headers.getlist("Link"))
    assert f"<https://data.example.org/queries/{NAME}?stage=project&limit=1&version=" in links
    assert "http://localhost" not in links
    assert "https://data.example.org/queries/" in client.get("/queries?format=json").text
    assert "<https://data.example.org/sparql>" in client.get("/sparql?format=nt").text
    with pytest.raises(WrongUsage, match="not the address of a service"):
        Settings.load({"public_url": "data.example.org"}, {})


def test_a_link_to_what_counts_to_today_names_the_day(client: FlaskClient) -> None:
    for asked, day in (("", r"\d{4}-\d\d-\d\d"), ("?on=2015-06-30", "2015-06-30")):
        answer = client.get(f"/queries/stages-at-date.csv{asked}")
        link = re.search(
            rf"<http://[^/>]+(/[^>]*[?&]on={day}&[^>]*)>; rel=\"cite-as\"", str(answer.headers)
        )
        assert link, answer.headers
        again = client.get(link[1], headers={"Accept": "text/csv"})
        assert again.data == answer.data
