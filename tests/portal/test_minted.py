"""Every IRI that this software mints leads to RDF and to a page."""

import re
from urllib.parse import quote, urldefrag, urljoin

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.errors import CoprodError
from coprod_kg.publishing.problems import PROBLEMS, problem_kinds
from tests.portal.conftest import BASE, ODD, Portal

MODEL = "https://w3id.org/coprod/"
RDF = ("text/turtle", "application/n-triples")
EVERY = """SELECT DISTINCT ?iri WHERE {
  { GRAPH ?g { ?iri ?p ?o } } UNION { GRAPH ?g { ?s ?iri ?o } } UNION { GRAPH ?g { ?s ?p ?iri } }
  UNION { GRAPH ?iri { ?s ?p ?o } }
  FILTER(ISIRI(?iri) && STRSTARTS(STR(?iri), "https://w3id.org/coprod/"))
} ORDER BY ?iri"""
INITIATIVE = """SELECT ?initiative WHERE {
  ?initiative a <https://w3id.org/coprod/ontology#Initiative>
} ORDER BY ?initiative LIMIT 1"""
GRAPH = """SELECT ?graph WHERE {
  GRAPH ?graph { } FILTER(CONTAINS(STR(?graph), "/organisation/"))
} ORDER BY ?graph LIMIT 1"""
ALIKE = 6
"""So many of the names of one kind are asked for; the first and the last are among them."""


def followed(client: FlaskClient, address: str, accept: str) -> TestResponse:
    """What a client ends at that follows redirects as they are sent."""
    for _ in range(5):
        response = client.get(address, headers={"Accept": accept})
        if response.status_code not in (301, 302, 303, 307):
            return response
        address = urldefrag(urljoin(address, response.headers["Location"]))[0]
    raise AssertionError(f"{address} leads in a circle")


def address(iri: str) -> str:
    """Where the service is asked for a name that it minted."""
    return "/" + quote(urldefrag(iri.removeprefix(MODEL))[0], safe="/-._~!$&'()*+,;=:@%")


def kind(iri: str) -> str:
    """What names are alike: those with the same parts before the last."""
    return re.sub(r"/[^/]+/(file|report)$", r"/x/\1", iri).rpartition("/")[0]


def test_every_minted_name_leads_to_rdf_and_to_a_page(portal: Portal) -> None:
    client = portal.client()
    found: dict[str, list[str]] = {}
    names = portal.column(EVERY)
    assert len(names) > 500
    for iri in dict.fromkeys(urldefrag(name)[0] for name in names):
        found.setdefault(kind(iri), []).append(iri)
    wrong = []
    for several in found.values():
        step = max(1, len(several) // ALIKE)
        for iri in {*several[::step], several[-1]}:
            for accept in ("text/turtle", "text/html"):
                response = followed(client, address(iri), accept)
                if response.status_code != 200 or response.mimetype != accept:
                    wrong.append(f"{iri} {accept}: {response.status_code} {response.mimetype}")
    assert not wrong, "\n".join(wrong)
    asked = {iri.removeprefix(BASE).partition("/")[0] for iri in names}
    assert {"id", "graph", "submission", "version", "model", "queries", "vocab"} <= asked


def test_the_type_of_every_problem_is_told(portal: Portal) -> None:
    client = portal.client()
    told = client.get("/nothing-here").get_json()["type"]
    assert told == f"{PROBLEMS}not-found"
    for name in problem_kinds():
        for accept in ("text/turtle", "text/html"):
            response = client.get(f"/problem/{name}", headers={"Accept": accept})
            assert response.status_code == 200
            assert response.mimetype == accept
    assert client.get("/problem").status_code == 200
    assert client.get("/problem/nothing").status_code == 404
    assert all(kind.title for kind in problem_kinds().values())
    assert "coprod-error" in problem_kinds(), CoprodError


def test_an_escape_in_a_name_survives(portal: Portal) -> None:
    client, sent = portal.client(), quote(ODD.removeprefix(BASE), safe="/%")
    assert "%C3%A6" in sent
    assert "%20" in sent
    for accept in ("text/turtle", "text/html"):
        response = followed(client, f"/{sent}", accept)
        assert response.status_code == 200
        assert "Æble" in response.text
    assert client.get(f"/doc/{sent.removeprefix('id/')}.ttl").status_code == 200


def test_a_graph_tells_its_size_its_origin_and_where_it_is(portal: Portal) -> None:
    client = portal.client()
    graph = portal.column(GRAPH)[0]
    size = portal.column(f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")[0]
    document = followed(client, address(graph), "text/turtle").text
    assert f"void:triples {size}" in document
    assert "prov:wasGeneratedBy" in document
    dump = re.search(r"void:dataDump <http://localhost(/data[^>]+)>", document)
    assert dump
    lines = client.get(dump[1], headers={"Accept": "application/n-triples"}).text.splitlines()
    assert len(lines) == int(size)
    page = followed(client, address(graph), "text/html").text
    assert f"with {int(size):,} statements" in page
    assert 'href="/submission/' in page


def test_a_version_tells_when_and_by_whom(portal: Portal) -> None:
    document = followed(portal.client(), "/version/2", "text/turtle").text
    for word in (
        "prov:generatedAtTime",
        "prov:wasGeneratedBy",
        "prov:wasAssociatedWith",
        "The coder",
    ):
        assert word in document, word


def test_a_statement_leads_to_its_graph(portal: Portal) -> None:
    client = portal.client()
    thing = portal.column(INITIATIVE)[0]
    page = followed(client, address(thing), "text/html").text
    assert re.search(r'in <a href="/graph/organisation/[^"]+"', page)


def test_an_old_version_is_asked_where_it_is_named(portal: Portal) -> None:
    client = portal.client()
    thing = address(portal.column(INITIATIVE)[0])
    tail = thing.removeprefix("/id/")
    lineage = portal.store.identity().lineage
    assert client.get(f"/doc/{tail}?version=1").status_code == 404, "it came with version 2"
    assert client.get(f"/doc/{tail}?version=99").status_code == 404
    for where in (f"/doc/{tail}.ttl", f"/page/{tail}"):
        response = client.get(f"{where}?version=2&lineage={lineage}")
        assert response.status_code == 200
        assert response.headers["Dataset-Version"] == "2"
        assert "immutable" in response.headers["Cache-Control"]
        assert "immutable" not in client.get(where).headers["Cache-Control"]
    moved = client.get(f"{thing}?version=2", headers={"Accept": "text/html"})
    assert moved.headers["Location"] == f"/page/{tail}?version=2"
    assert f"/doc/{tail}.ttl?version=2" in client.get(moved.headers["Location"]).text


def test_the_page_has_an_address_among_the_documents(portal: Portal) -> None:
    client = portal.client()
    response = client.get("/doc/version/1.html")
    assert (response.status_code, response.headers["Location"]) == (303, "/page/version/1")


def test_a_document_is_turtle_with_prefixes(portal: Portal) -> None:
    text = portal.client().get("/doc/version/1.ttl").text
    assert "@prefix prov:" in text
    assert "<http://www.w3.org/ns/prov#generatedAtTime>" not in text


def test_below_a_path_every_address_begins_with_it(portal: Portal) -> None:
    public = "https://example.org/coprod"
    client = portal.client(public_url=public)
    thing = address(portal.column(INITIATIVE)[0])
    tail = thing.removeprefix("/id/")
    see = client.get(thing, headers={"Accept": "text/turtle"})
    assert see.headers["Location"] == f"/coprod/doc/{tail}"
    document = client.get(f"/doc/{tail}", headers={"Accept": "text/turtle"})
    assert document.headers["Content-Location"] == f"/coprod/doc/{tail}.ttl"
    for path in (
        "/",
        f"/page/{tail}",
        "/queries",
        "/ontology",
        "/shapes",
        "/docs",
        "/sparql",
        "/submissions",
        "/nothing",
    ):
        response = client.get(path, headers={"Accept": "text/html"})
        for link in re.findall(r"<(/[^>]*)>", ", ".join(response.headers.getlist("Link"))):
            assert link.startswith("/coprod/"), (path, link)
        inner = re.findall(r'(?:href|src|action)="(/[^"]*)"', response.text)
        assert inner
        assert all(found.startswith("/coprod/") for found in inner), (path, inner)
        assert "/coprod/coprod/" not in response.text
    assert f'<link rel="canonical" href="{public}/page/{tail}">' in client.get(f"/page/{tail}").text
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": f"{public}/"}]
    assert "/coprod/openapi.json" in ", ".join(client.get("/nothing").headers.getlist("Link"))
