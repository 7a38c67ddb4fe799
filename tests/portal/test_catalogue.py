"""What a version says of itself is true, is found in every form, and has nothing private in it."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from coprod_kg.access import Private
from coprod_kg.ingest.submit import SubmitOptions, SubmittedFile, submit
from coprod_kg.model.files import files
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.publishing.json_context import CONTEXT, with_context_inside
from coprod_kg.queries.question import PAGE_BYTES
from coprod_kg.store.base import Change, Query, Update
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots
from tests.portal.conftest import BASE, CODER, OFFICE, ROOT, Portal, fill, opened
from tests.prepared import Prepared

VOID = "http://rdfs.org/ns/void#"
DCAT = "http://www.w3.org/ns/dcat#"
HYDRA = "http://www.w3.org/ns/hydra/core#"
ALL = f"{BASE}dataset/all"
CASE = "active-senior-foundation"
SHAPES = Path(__file__).parents[3] / "shared" / "data" / "dcat-ap" / "dcat-ap-SHACL.ttl"
COUNTS = {
    "the total": (
        "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }",
        f"SELECT ?n WHERE {{ <{ALL}> void:triples ?n }}",
    ),
    "subjects": (
        "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s ?p ?o }",
        f"SELECT ?n WHERE {{ <{ALL}> void:distinctSubjects ?n }}",
    ),
    "classes": (
        "SELECT (COUNT(DISTINCT ?c) AS ?n) WHERE { ?s a ?c FILTER(ISIRI(?c)) }",
        f"SELECT ?n WHERE {{ <{ALL}> void:classes ?n }}",
    ),
    "properties": (
        "SELECT (COUNT(DISTINCT ?p) AS ?n) WHERE { ?s ?p ?o }",
        f"SELECT ?n WHERE {{ <{ALL}> void:properties ?n }}",
    ),
    "of each class": (
        """SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c FILTER(ISIRI(?c)) }
        GROUP BY ?c ORDER BY ?c""",
        f"""SELECT ?c ?n WHERE {{
        <{ALL}> void:classPartition [ void:class ?c ; void:entities ?n ] }} ORDER BY ?c""",
    ),
    "of each property": (
        "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p ORDER BY ?p",
        f"""SELECT ?p ?n WHERE {{
        <{ALL}> void:propertyPartition [ void:property ?p ; void:triples ?n ] }} ORDER BY ?p""",
    ),
    "of each property of each class": (
        """SELECT ?c ?p (COUNT(*) AS ?n) WHERE { ?s a ?c ; ?p ?o FILTER(ISIRI(?c)) }
        GROUP BY ?c ?p ORDER BY ?c ?p""",
        f"""SELECT ?c ?p ?n WHERE {{ <{ALL}> void:classPartition [ void:class ?c ;
        void:propertyPartition [ void:property ?p ; void:triples ?n ] ] }} ORDER BY ?c ?p""",
    ),
    "of each datatype": (
        """SELECT ?c ?p ?d (COUNT(*) AS ?n) WHERE { ?s a ?c ; ?p ?o
        FILTER(ISIRI(?c)) BIND(DATATYPE(?o) AS ?d) FILTER(BOUND(?d)) }
        GROUP BY ?c ?p ?d ORDER BY ?c ?p ?d""",
        f"""SELECT ?c ?p ?d ?n WHERE {{ <{ALL}> void:classPartition [ void:class ?c ;
        void:propertyPartition [ void:property ?p ; <http://ldf.fi/void-ext#datatypePartition> [
        <http://ldf.fi/void-ext#datatype> ?d ; void:triples ?n ] ] ] }} ORDER BY ?c ?p ?d""",
    ),
    "of what each property of each class leads to": (
        """SELECT ?c ?p ?end (COUNT(*) AS ?n) WHERE { ?s a ?c ; ?p ?o . ?o a ?end
        FILTER(ISIRI(?c) && ISIRI(?end)) } GROUP BY ?c ?p ?end ORDER BY ?c ?p ?end""",
        f"""SELECT ?c ?p ?end ?n WHERE {{ <{ALL}> void:classPartition [ void:class ?c ;
        void:propertyPartition [ void:property ?p ; void:classPartition [ void:class ?end ;
        void:triples ?n ] ] ] }} ORDER BY ?c ?p ?end""",
    ),
    "of the links to datasets of others": (
        f"""SELECT ?p ?whose (COUNT(*) AS ?n) WHERE {{ GRAPH ?g {{ ?whose <{VOID}uriSpace> ?space }}
        FILTER(?whose != <{ALL}>)
        ?s ?p ?o FILTER(ISIRI(?o) && STRSTARTS(STR(?o), ?space)) }}
        GROUP BY ?p ?whose ORDER BY ?p ?whose""",
        f"""SELECT ?p ?whose ?n WHERE {{ <{ALL}> void:subset [ a void:Linkset ;
        void:linkPredicate ?p ; void:objectsTarget ?whose ; void:triples ?n ;
        void:subjectsTarget <{ALL}> ] }} ORDER BY ?p ?whose""",
    ),
}


@pytest.fixture(scope="module")
def changing(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Give a service of its own to tests that change its data."""
    data = prepared.copy("portal", fill, tmp_path_factory.mktemp("changing") / "data")
    with opened(data) as found:
        yield found


def check_counts(portal: Portal, hidden: tuple[str, ...] = ()) -> None:
    for what, (counted, said) in COUNTS.items():
        prefix = f"PREFIX void: <{VOID}> "
        found, told = portal.column(counted, hidden), portal.column(prefix + said, hidden)
        assert len(found) >= 1, what
        assert told == found, what


def walked(client: FlaskClient, address: str, suffix: str = "") -> list[bytes]:
    """Every page of the catalogue, along the links."""
    pages: list[bytes] = []
    next_page: str | None = address
    while next_page:
        response = client.get(next_page)
        assert response.status_code == 200, response.text
        pages.append(response.data)
        found = re.search(rf"<{HYDRA}next> <{ROOT.rstrip('/')}([^>]+)>", lines(response.data))
        next_page = found[1] if found else None
        assert len(pages) < 20
    return pages


def lines(turtle: bytes) -> str:
    quads = ox.parse(turtle, format=ox.RdfFormat.TURTLE)
    return (ox.serialize((q.triple for q in quads), format=ox.RdfFormat.N_TRIPLES) or b"").decode()


def test_every_number_is_what_a_query_counts(portal: Portal) -> None:
    check_counts(portal)


def test_every_number_stays_true_while_the_data_changes(changing: Portal) -> None:
    store, settings = changing.store, changing.settings
    graph = f"{BASE}graph/own"
    for content in (
        b'<urn:a> a <urn:Class> ; <urn:p> 1, "x" .',
        b"<urn:a> <urn:p> 2 . [] a <urn:Class> .",
        b"",
    ):
        quads = ox.parse(content, format=ox.RdfFormat.TURTLE)
        data = ox.serialize((quad.triple for quad in quads), format=ox.RdfFormat.N_TRIPLES) or b""
        store.commit(Change(replace={graph: data}))
        check_counts(changing)
    store.update(Update("INSERT DATA { GRAPH <urn:g> { <urn:a> a <urn:Class> } }"))
    check_counts(changing)
    more = sorted((files("examples") / "cases").glob("atsp-*.ttl"))
    assert submit(more, store, settings, CODER)
    check_counts(changing)


def test_where_things_lead_is_counted_where_only_what_they_lead_to_changes(
    changing: Portal,
) -> None:
    store, one, other = changing.store, f"{BASE}graph/one", f"{BASE}graph/other"
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    said = f"<urn:a> {kind} <urn:Class> .\n<urn:a> <urn:p> <urn:b> .\n<urn:a> <urn:p> <urn:a> .\n"
    store.commit(Change(replace={one: said.encode()}))
    for line, ends in (
        (
            f"<urn:b> {kind} <urn:Other> .\n<urn:b> <urn:q> <urn:a> .\n",
            ["urn:Class,1", "urn:Other,1"],
        ),
        (
            f"<urn:b> {kind} <urn:Other> .\n<urn:b> {kind} <urn:Class> .\n",
            ["urn:Class,2", "urn:Other,1"],
        ),
        (f"<urn:a> {kind} <urn:Other> .\n", ["urn:Class,1", "urn:Other,1"]),
        ("", ["urn:Class,1"]),
    ):
        store.commit(Change(replace={other: line.encode()}))
        check_counts(changing)
        told = changing.column(
            f"PREFIX void: <{VOID}> SELECT ?end ?n WHERE {{ [ void:class <urn:Class> ; "
            "void:propertyPartition [ void:property <urn:p> ; void:classPartition [ "
            "void:class ?end ; void:triples ?n ] ] ] } ORDER BY ?end"
        )
        assert told == ends
    store.commit(Change(replace={one: b""}))
    # the description itself is counted by the same rules
    store.commit(Change(add={f"{BASE}graph/catalogue": f"<{ALL}> {kind} <urn:Kind> .\n".encode()}))
    check_counts(changing)


def test_a_description_comes_back_after_the_writer_was_started_anew(cases_data: Path) -> None:
    with opened(cases_data) as portal:
        before = portal.column(f"SELECT ?n WHERE {{ <{ALL}> <{VOID}triples> ?n }}")
    with opened(cases_data) as portal:
        portal.store.commit(Change(replace={"urn:g": b"<urn:a> <urn:p> <urn:b> .\n"}))
        assert portal.column(f"SELECT ?n WHERE {{ <{ALL}> <{VOID}triples> ?n }}") != before
        check_counts(portal)


def test_a_catalogue_of_another_address_and_publisher_holds_nothing_of_the_former_ones(
    cases_data: Path,
) -> None:
    other, graph = "http://other.example.org/", f"{BASE}graph/catalogue"
    questions = [files("queries") / "questions"]
    unlike = ("terms/modified", "terms/issued", "dcat#version", "/dump/", VOID)

    def said(portal: Portal) -> list[str]:
        rows = portal.column(
            f"""SELECT (CONCAT(STR(?s), " ", STR(?p), " ", STR(?o)) AS ?row)
            WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }} ORDER BY ?row"""
        )
        rows = [re.sub(r"\d+\.(nq|trig)", r"N.\1", row) for row in rows]
        return [row for row in rows if not any(part in row for part in unlike)]

    with opened(cases_data) as portal:
        unnamed = replace(portal.settings, publisher="", publisher_url="", contact="")
        assert any(ROOT in row for row in said(portal))
        assert publish_model(portal.store, BASE, questions, other, unnamed)
        check_counts(portal)
        found = said(portal)
        assert not [row for row in found if ROOT in row or "The office" in row]
        assert any(other in row for row in found)
        portal.store.commit(Change(replace={graph: b""}))
        check_counts(portal)
        assert not [row for row in said(portal) if "SPARQLExecutable" in row]
        assert publish_model(portal.store, BASE, questions, other, unnamed)
        assert said(portal) == found


def test_what_is_private_is_nowhere_and_the_numbers_are_those_of_the_rest(
    cases_data: Path,
) -> None:
    with opened(cases_data) as portal:
        Private(portal.settings.data).mark(CASE)
        check_counts(portal, (CASE,))
        client = portal.client()
        addresses = [
            *("/catalogue", "/catalogue.jsonld", "/.well-known/void", "/sitemap.xml", "/changes/2"),
            *("/changes.atom", "/versions", "/dataset/all", "/dataset/all/linkset"),
        ]
        for address in addresses:
            for accept in ("*/*", "text/html"):
                response = client.get(address, headers={"Accept": accept})
                assert CASE not in response.text, address
                assert "cosie-wroclaw" not in response.text, address
        assert client.get(f"/dataset/organisation-{CASE}").status_code == 404
        assert client.get(f"/dump/2/organisation-{CASE}.ttl").status_code == 404
        whole = gzip.decompress(client.get(f"/dump/{portal.store.version()}.nq.gz").data).decode()
        assert f"graph/organisation/{CASE}" not in whole
        assert f"dataset/organisation-{CASE}" not in whole
        Private(portal.settings.data).mark(CASE, private=False)
        assert CASE in client.get("/catalogue").text


@pytest.mark.parametrize("publisher", ["The office", ""])
def test_the_catalogue_conforms_to_dcat_ap(portal: Portal, tmp_path: Path, publisher: str) -> None:
    if not SHAPES.exists():
        pytest.skip(f"the shapes of DCAT-AP 3.0.1 are not at {SHAPES}")
    import pyshacl
    import rdflib

    text = portal.client().get("/catalogue").text
    data = rdflib.Graph().parse(data=text, format="turtle")
    if not publisher:
        data.remove((None, rdflib.DCTERMS.publisher, None))
    shapes = rdflib.Graph().parse(SHAPES)
    shacl = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    for node in set(shapes.objects(None, shacl.property)):
        if (node, shacl.path, None) not in shapes:  # two are published so, and pySHACL refuses them
            shapes.remove((None, shacl.property, node))
    conforms, _, report = pyshacl.validate(data, shacl_graph=shapes, advanced=True)
    if publisher:
        assert conforms, report
    else:
        # what is not set is left out, and that is what is wrong with it
        assert not conforms
        assert "publisher" in report


def test_harvested_page_by_page_it_is_the_same_catalogue(
    portal: Portal,
) -> None:
    client = portal.client()
    whole = set(lines(client.get("/catalogue").data).splitlines())
    pages = walked(client, "/catalogue?limit=2")
    assert len(pages) == 3
    parts = {line for page in pages for line in lines(page).splitlines() if "hydra" not in line}
    assert whole == {line for line in parts if "catalogue?page" not in line}
    for page in pages:
        assert f"version={portal.store.version()}" in lines(page)
    assert f"<{HYDRA}next>" not in lines(pages[-1])
    assert client.get("/catalogue?page=9").status_code == 404
    assert client.get("/catalogue?page=0").status_code == 404
    assert client.get("/catalogue?limit=none").status_code == 400


def test_a_page_of_the_catalogue_has_all_that_is_said_of_it_and_its_services(
    portal: Portal,
) -> None:
    document = lines(portal.client().get("/catalogue?limit=1").data)
    listing = f"<{DCAT}dataset>", f"<{DCAT}record>"
    said = portal.column(
        f"SELECT (CONCAT('<', STR(?s), '> <', STR(?p), '> ') AS ?t) WHERE {{ "
        f"GRAPH <{BASE}graph/catalogue> {{ <{BASE}catalogue> <{DCAT}service>? ?s . ?s ?p ?o }} }}"
    )
    assert len(set(said)) > 20
    for start in said:
        assert start.split()[1] in listing or start in document, start


def test_a_page_of_a_version_that_is_gone_is_gone(cases_data: Path) -> None:
    with opened(cases_data, keep_versions=1) as portal:
        store = portal.store
        for number in range(4):
            line = f"<urn:a> <urn:p> <urn:{number}> .\n"
            store.commit(Change(replace={"urn:g": line.encode()}))
            portal.column("SELECT ?s WHERE { ?s ?p ?o } LIMIT 1")  # a worker takes the version up
        gone = min(set(range(1, store.version())) - set(store.versions()))
        assert portal.client().get(f"/catalogue?page=1&version={gone}").status_code == 410


@pytest.mark.parametrize(
    "accept", ["*/*", "text/turtle", "application/ld+json", "application/rdf+xml"]
)
def test_the_catalogue_is_rdf_for_whoever_wants_no_page(portal: Portal, accept: str) -> None:
    client = portal.client()
    head = client.head("/catalogue", headers={"Accept": accept})
    response = client.get("/catalogue", headers={"Accept": accept})
    assert (head.status_code, head.mimetype) == (200, response.mimetype)
    assert response.mimetype != "text/html"
    assert client.get("/catalogue", headers={"Accept": "text/html"}).mimetype == "text/html"


def test_every_download_has_the_size_and_the_checksum_that_the_catalogue_tells(
    portal: Portal,
) -> None:
    client = portal.client()
    for suffix in ("nq", "trig"):  # they are made when they are first asked for
        client.get(f"/dump/{portal.store.version()}.{suffix}.gz")
    found = lines(client.get("/catalogue").data)
    downloads = re.findall(rf"<([^>]+)> <{DCAT}downloadURL> <{ROOT.rstrip('/')}([^>]+)>", found)
    assert len(downloads) == 2 + 4 + 3 * 3
    for part, address in downloads:
        content = client.get(address).data
        size = re.search(rf"<{re.escape(part)}> <{DCAT}byteSize> \"([0-9]+)\"", found)
        digest = re.search(rf'<{re.escape(part)}-sha256> <[^>]+checksumValue> "([0-9a-f]+)"', found)
        assert size, address
        assert digest, address
        assert len(content) == int(size[1]), address
        assert sha256(content).hexdigest() == digest[1], address


def test_a_download_stays_as_it_is(changing: Portal) -> None:
    client = changing.client()
    address = f"/dump/2/organisation-{CASE}.ttl"
    first = client.get(address)
    changing.store.commit(Change(replace={"urn:other": b"<urn:a> <urn:p> <urn:b> .\n"}))
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(address).data == first.data
    latest = client.get("/dump/latest.nq.gz")
    assert latest.headers["Location"] == f"/dump/{changing.store.version()}.nq.gz"
    graphs = gzip.decompress(client.get(latest.headers["Location"]).data)
    quads = list(ox.parse(graphs, format=ox.RdfFormat.N_QUADS))
    assert len({str(quad.graph_name) for quad in quads}) > 5


def test_a_dataset_page_tells_search_engines_and_programs(portal: Portal) -> None:
    client = portal.client()
    for slug in ("all", "model", "releases", f"organisation-{CASE}"):
        response = client.get(f"/dataset/{slug}", headers={"Accept": "text/html"})
        told = json.loads(
            re.findall(r'<script type="application/ld\+json">(.*?)</script>', response.text, re.S)[
                0
            ]
        )
        assert told["@type"] == "Dataset"
        assert 50 <= len(told["description"]) <= 5000
        assert told["name"] in response.text
        assert told["license"].startswith("https://creativecommons.org/")
        assert told["publisher"][0]["name"] == "The office for co-production"
        assert told["creator"][0]["name"] == ("The coder" if CASE in slug else OFFICE["publisher"])
        assert told["conditionsOfAccess"].endswith("/access-right/PUBLIC")
        links = ", ".join(response.headers.getlist("Link"))
        for rel in ("cite-as", "describedby", "license", "author", "type", "linkset"):
            assert f'rel="{rel}"' in links, (slug, rel)
        assert ('rel="item"' in links) == (slug != "releases")
        linkset = client.get(f"/dataset/{slug}/linkset").get_json()["linkset"][0]
        assert linkset["cite-as"] == [{"href": f"{BASE}dataset/{slug}"}]
        for item in linkset.get("item", ()):
            assert item["href"] in links
    page = client.get("/dataset/all", headers={"Accept": "text/html"}).text
    initiatives = portal.column(
        "PREFIX cp: <https://w3id.org/coprod/ontology#> "
        "SELECT (COUNT(DISTINCT ?i) AS ?n) WHERE { ?i a cp:Initiative }"
    )[0]
    assert f"There are {initiatives} initiatives" in page


@pytest.mark.parametrize("slug", ["all", "model", f"organisation-{CASE}"])
def test_each_road_to_a_dataset_has_what_an_assessment_of_fair_data_asks(
    portal: Portal, slug: str
) -> None:
    client, iri = portal.client(), f"{BASE}dataset/{slug}"
    # F-UJI asks for the page first, and then for RDF by these headers
    page = client.get(f"/dataset/{slug}", headers={"Accept": "text/html, */*"})
    head = re.findall(r'<meta name="DCTERMS\.(\w+)" content="([^"]*)">', page.text)
    asked = (
        "text/turtle, application/turtle, application/x-turtle;q=0.8, application/rdf+xml, "
        "text/n3;q=0.9, text/rdf+n3;q=0.9,application/ld+json"
    )
    answer = client.get(f"/dataset/{slug}", headers={"Accept": asked})
    graph = ox.Store()
    graph.load(answer.data, ox.RdfFormat.TURTLE)

    def said(subject: str, *path: str) -> list[str]:
        found = [subject]
        for step in path:
            at = [ox.NamedNode(node) for node in found]
            quads = (q for n in at for q in graph.quads_for_pattern(n, ox.NamedNode(step), None))
            found = [str(getattr(quad.object, "value", "")) for quad in quads]
        return found

    dcterms, name = "http://purl.org/dc/terms/", "http://xmlns.com/foaf/0.1/name"
    # several would leave it open which of them the document is about
    kind = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"{DCAT}Dataset"
    typed = graph.quads_for_pattern(None, *map(ox.NamedNode, kind))
    assert [str(quad.subject) for quad in typed] == [f"<{iri}>"]
    for term in ("title", "description", "identifier", "issued", "modified", "license"):
        assert said(iri, dcterms + term), term
        assert term in dict(head), term
    for agent in ("creator", "publisher"):
        assert said(iri, dcterms + agent, name) == [dict(head)[agent]], agent
    assert said(iri, f"{DCAT}keyword")
    assert "subject" in dict(head)
    assert dict(head)["accessRights"] == said(iri, f"{dcterms}accessRights")[0]
    whole = dict(head).get("isPartOf") or dict(head)["hasPart"]
    assert whole in said(iri, f"{dcterms}isPartOf") + said(iri, f"{dcterms}hasPart")
    assert client.get("/" + whole.removeprefix(BASE)).status_code == 200
    for part in said(iri, f"{DCAT}distribution"):
        (address,) = said(part, f"{DCAT}accessURL")
        (media,) = said(part, f"{DCAT}mediaType")
        got = client.get("/" + address.removeprefix(ROOT))
        assert got.status_code == 200
        packed = bool(said(part, f"{DCAT}compressFormat"))
        assert got.mimetype == ("application/gzip" if packed else media.partition("types/")[2])


def test_a_catalogue_whose_list_no_page_could_show_is_there(cases_data: Path) -> None:
    with opened(cases_data) as portal:
        # as another catalogue beside ours, which is written anew with each version
        names = [f"{BASE}dataset/{'made-up-' * 40}{number:05}" for number in range(6000)]
        told = "".join(
            f"<urn:catalogue> <{DCAT}dataset> <{name}> .\n"
            f'<{name}> <http://purl.org/dc/terms/modified> "2026-11-29" .\n'
            f"<{name}#record> <http://xmlns.com/foaf/0.1/primaryTopic> <{name}> .\n"
            for name in names
        )
        portal.store.commit(Change(add={f"{BASE}graph/catalogue": told.encode()}))
        client, last = portal.client(), names[-1].removeprefix(BASE)
        assert len(client.get("/sitemap.xml").data) > PAGE_BYTES
        page = client.get("/catalogue?limit=1&page=6001")  # the first dataset is all
        assert page.status_code == 200
        assert f"<{names[-1]}>" in lines(page.data)
        assert client.get("/catalogue?limit=1&page=6007").status_code == 404  # it has 6006
        assert client.get(f"/{last}").status_code == 200
        assert client.get(f"/{last}x").status_code == 404


def test_the_sitemap_leads_to_pages_and_is_named_in_robots(portal: Portal) -> None:
    client = portal.client()
    assert f"Sitemap: {ROOT}sitemap.xml" in client.get("/robots.txt").text
    text = client.get("/sitemap.xml").text
    addresses = re.findall(r"<loc>([^<]+)</loc><lastmod>(\d{4}-\d\d-\d\d)</lastmod>", text)
    assert len(addresses) == 2 + 6
    for address, _ in addresses:
        path = "/" + address.removeprefix(ROOT)
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 200, path


def test_what_was_withdrawn_is_gone_with_when_by_what_and_the_last_version(
    changing: Portal,
) -> None:
    client, store = changing.client(), changing.store
    thing = "initiative/cosie-wroclaw-co-housing"
    before = store.version()
    organisation = f"organisation/{CASE}"
    assert client.get(f"/doc/{thing}").status_code == 200
    for never_made in ("/reconcile/preview", "/reconcile/view", f"/page/{thing}"):
        # Nothing is looked for in versions that are not there yet, nor taken for looked at.
        assert client.get(f"{never_made}?version={before + 300_000}").status_code == 404
    graphs = {f"{BASE}graph/{kind}/{CASE}": b"" for kind in ("organisation", "assessment")}
    store.commit(Change(replace=graphs, activity=f"{BASE}submission/taken-back"))
    dataset = f"/dataset/organisation-{CASE}"
    for address in (
        f"/id/{thing}",
        f"/doc/{thing}",
        f"/page/{thing}",
        dataset,
        f"{dataset}/linkset",
        f"/dump/{before + 1}/organisation-{CASE}.ttl",
        f"/initiatives/{thing.partition('/')[2]}",
        f"/organisations/{CASE}",
        f"/da/organisations/{CASE}",
        f"/embed/organisations/{CASE}",
        f"/de/embed/organisations/{CASE}",
        f"/assessments/{thing}",
        f"/assessments/{organisation}",
        f"/reconcile/preview?id={BASE}id/{thing}",
        f"/reconcile/view?id={BASE}id/{organisation}",
        f"/id/{thing}?version={before + 1}",
    ):
        response = client.get(address)
        assert response.status_code == 410, address
        told = response.get_json()
        assert f"version {before + 1}" in told["detail"]
        assert f"{BASE}submission/taken-back" in told["detail"]
        assert f"?version={before}" in told["fix"]
    assert client.get(f"/doc/{thing}?version={before}").status_code == 200
    assert client.get(f"{dataset}?version={before}").status_code == 200
    page = f"/initiatives/{thing.partition('/')[2]}"
    assert client.get(f"{page}?version={before}").status_code == 200
    for never in (
        "/doc/initiative/never-was",
        "/dataset/organisation-never-was",
        "/initiatives/never-was",
        "/organisations/never-was",
        "/assessments/initiative/never-was",
        f"/reconcile/view?id={BASE}id/initiative/never-was",
    ):
        assert client.get(never).status_code == 404
    store.commit(Change(replace={f"{BASE}graph/own": b""}))  # a later version tells the same
    for number in (before + 1, before + 2):
        assert client.get(f"{page}?version={number}").status_code == 410
    assert f"/dataset/organisation-{CASE}" not in client.get("/catalogue").text
    # Put back and withdrawn again: each version tells of the removal before it.
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    statement = f'<{BASE}id/{thing}> {label} "Co-housing" .\n'.encode()
    store.commit(Change(replace={f"{BASE}graph/own": statement}))
    store.commit(Change(replace={f"{BASE}graph/own": b""}))
    for number, told in ((before + 4, before + 4), (before + 1, before + 1)):
        gone = client.get(f"/doc/{thing}?version={number}")
        assert (gone.status_code, f"version {told} " in gone.get_json()["detail"]) == (410, True)
    check_counts(changing)


def test_the_check_shows_what_a_portal_finds(portal: Portal) -> None:
    client = portal.client()
    found = client.get("/check", headers={"Accept": "application/json"}).get_json()
    assert found["defects"] == []
    assert found["links"] > 10
    assert found["counts"] > 50
    titles = {record["title"] for record in found["records"]}
    page = client.get("/check", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "No defects" in page.text
    assert all(title in page.text for title in titles)
    assert {record["publisher"] for record in found["records"]} == {OFFICE["publisher"]}


def test_the_service_description_has_the_numbers_of_the_catalogue(portal: Portal) -> None:
    told = portal.client().get("/sparql", headers={"Accept": "application/n-triples"}).text
    (count,) = portal.column("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    assert f'#default-graph> <{VOID}triples> "{count}"^^' in told
    graph = f"{BASE}graph/organisation/asker-kommune"
    (held,) = portal.column(f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
    node = re.search(rf"(_:\S+) <\S+#name> <{graph}>", told)
    content = re.search(rf"{node[1]} <\S+#graph> (_:\S+)", told) if node else None
    assert content is not None
    assert f'{content[1]} <{VOID}triples> "{held}"^^' in told


def test_a_moment_leads_to_the_version_of_then(portal: Portal) -> None:
    client = portal.client()
    address = "/doc/initiative/cosie-wroclaw-co-housing"
    timemap = client.get(f"/versions?of={address}&format=link")
    assert timemap.mimetype == "application/link-format"
    mementos = re.findall(r'<([^>]+)>; rel="[^"]*memento"; datetime="([^"]+)"', timemap.text)
    # the first version has the model only: the thing was not known then
    kept = [number for number in portal.store.versions() if number]
    having = [n for n in kept if client.get(f"{address}?version={n}").status_code == 200]
    assert 0 < len(having) < len(kept)
    assert [link for link, _ in mementos] == [
        f"{ROOT.rstrip('/')}{address}?version={number}" for number in having
    ]
    early = client.get(address, headers={"Accept-Datetime": "Mon, 01 Jan 2001 00:00:00 GMT"})
    assert early.headers["Location"] == f"{address}?version={having[0]}"
    missing = client.get("/versions?of=/doc/initiative/nowhere&format=link")
    assert missing.status_code == 404
    when = mementos[-1][1]
    moved = client.get(address, headers={"Accept-Datetime": when})
    assert moved.status_code == 302
    assert moved.headers["Location"] == f"{address}?version={portal.store.version()}"
    assert "Accept-Datetime" in moved.headers["Vary"]
    memento = client.get(moved.headers["Location"])
    assert memento.headers["Memento-Datetime"] == when
    assert 'rel="original timegate"' in ", ".join(memento.headers.getlist("Link"))
    assert client.get(address, headers={"Accept-Datetime": "yesterday"}).status_code == 400


def test_the_changes_of_things_are_a_stream_and_a_feed(changing: Portal) -> None:
    client, graph = changing.client(), f"{BASE}graph/organisation/brief"
    said = f'<{BASE}id/initiative/brief> <http://www.w3.org/2000/01/rdf-schema#label> "B" .\n'
    for lines_of_version in (said.encode(), b""):
        changing.store.commit(Change(replace={graph: lines_of_version}))
    first = lines(client.get("/changes").data)
    nodes = re.findall(r"<https://w3id.org/tree#node> <([^>]+)>", first)
    versions = range(1, changing.store.version() + 1)
    assert set(nodes) == {f"{ROOT}changes/{number}" for number in versions}
    kinds = set[str]()
    for node in nodes:
        page = lines(client.get("/" + node.removeprefix(ROOT)).data)
        kinds |= set(re.findall(r"<https://www.w3.org/ns/activitystreams#(\w+)> \.", page))
    assert kinds >= {"Create", "Delete"}
    feed = client.get("/changes.atom")
    assert feed.mimetype == "application/atom+xml"
    assert "was removed." in feed.text


def test_sparql_finds_the_description_too(portal: Portal) -> None:
    text = f"""SELECT ?url WHERE {{ GRAPH <{BASE}graph/catalogue> {{
      ?service a <{DCAT}DataService> ; <{DCAT}endpointURL> ?url }} }} ORDER BY ?url"""
    assert portal.column(text) == [f"{ROOT}data", f"{ROOT}sparql"]
    targets = "SELECT DISTINCT ?t WHERE { ?example <https://schema.org/target> ?t }"
    assert portal.column(targets) == [f"{ROOT}sparql"]


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/changes", "/versions"),
        ("/changes/2", "/version/2"),
        ("/.well-known/void?version=2", "/dataset/all?version=2"),
    ],
)
def test_a_browser_is_led_to_a_page_and_a_program_gets_rdf(
    portal: Portal, address: str, page: str
) -> None:
    client = portal.client()
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    led = client.get(address, headers=browser)
    assert (led.status_code, led.headers["Location"]) == (303, page)
    assert "Accept" in led.headers["Vary"]
    assert client.get(address, headers=browser, follow_redirects=True).status_code == 200
    for accept in ("*/*", "text/turtle"):
        assert client.get(address, headers={"Accept": accept}).mimetype == "text/turtle"


def test_a_kept_document_is_another_one_where_what_it_depends_on_changes(
    changing: Portal,
) -> None:
    client = changing.client()
    addresses = ("/catalogue.ttl?limit=1", "/dataset/all.ttl", "/.well-known/void")
    before = [client.get(address).data for address in addresses]
    assert [client.get(address).data for address in addresses] == before
    changing.store.commit(Change(replace={"urn:kept": b"<urn:a> <urn:p> <urn:kept> .\n"}))
    number = changing.store.version()
    for address, old in zip(addresses, before, strict=True):
        assert client.get(address).data != old
    size = f"<{ALL}#nq> <{DCAT}byteSize>"
    assert size not in client.get("/dataset/all.nt").text
    client.get(f"/dump/{number}.nq.gz").close()
    assert size in client.get("/dataset/all.nt").text
    assert client.get("/dataset/all.jsonld").mimetype == "application/ld+json"
    page = client.get("/catalogue.ttl?limit=1&page=2").text
    assert "page=3" in page
    assert "page=3" not in client.get("/catalogue.ttl?limit=1&page=1").text


@pytest.mark.parametrize(
    ("address", "media_type"),
    [
        ("/versions?format=json", "application/json"),
        ("/versions?format=link", "application/link-format"),
        ("/versions?format=html", "text/html"),
        ("/check?format=json", "application/json"),
        ("/check?format=application/json", "application/json"),
    ],
)
def test_a_format_that_one_route_has_is_chosen_by_its_name(
    portal: Portal, address: str, media_type: str
) -> None:
    answer = portal.client().get(address, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (200, media_type)


def test_a_page_of_a_version_leads_to_what_changed_and_to_its_files(portal: Portal) -> None:
    client = portal.client()
    page = client.get("/page/version/2").text
    for address in ("/changes/2?format=ttl", "/dump/2.nq.gz", "/versions"):
        assert f'href="{address}"' in page
        assert client.get(address).status_code == 200
    listed = client.get("/versions", headers={"Accept": "text/html"}).text
    for address in re.findall(r'href="(/(?:versions|changes)[^"]*)"', listed):
        assert client.get(address).status_code == 200
    assert "<td>the service</td>\n<td>its model and settings</td>" in listed


def test_the_page_of_a_dataset_leads_to_what_it_is_about_and_names_countries(
    portal: Portal,
) -> None:
    client = portal.client()
    slug = "active-senior-foundation"
    page = client.get(f"/dataset/organisation-{slug}", headers={"Accept": "text/html"}).text
    for address in (f"/id/organisation/{slug}", f"/graph/organisation/{slug}", "/dataset/all"):
        assert f'<a href="{address}">' in page
        assert client.get(address, follow_redirects=True).status_code == 200
    (place,) = re.findall(r"<dt>Places</dt><dd><a [^>]+>([^<]+)</a>", page)
    assert len(place) > 3
    assert f'"name": "{place}"' in page
    whole = client.get("/dataset/all", headers={"Accept": "text/html"}).text
    is_unknown = '<td class="number"></td>' in whole  # other tests may have asked for the files
    assert ("is made when it is first asked for" in whole) == is_unknown
    assert "is made when it is first asked for" not in page


def test_a_reading_of_others_cases_is_not_titled_as_an_organisation(changing: Portal) -> None:
    coder, client = f"{BASE}id/organisation/coder", changing.client()
    case = "https://w3id.org/coprod/id/initiative/case"
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    about = "<https://w3id.org/coprod/ontology#about>"
    said = f'<{coder}> {label} "A coder" .\n<{BASE}id/claim/one> {about} <{case}> .\n'
    changing.store.commit(Change(replace={f"{BASE}graph/organisation/coder": said.encode()}))
    text = lines(client.get("/dataset/organisation-coder").data)
    assert '"Co-production as told by A coder"@en' in text
    assert '"Samskabelse ifølge A coder"@da' in text
    runs = f"<{case}> <https://w3id.org/coprod/ontology#runBy> <{coder}> .\n"
    graph = f"{BASE}graph/organisation/coder"
    changing.store.commit(Change(replace={graph: (said + runs).encode()}))
    text = lines(client.get("/dataset/organisation-coder").data)
    assert '"Co-production at A coder"@en' in text


def test_a_release_is_in_its_series(changing: Portal) -> None:
    number = changing.store.version()
    Snapshots(DataDirectory(changing.settings.data).snapshots).tag(number, "first")
    changing.store.commit(Change(replace={"urn:after": b"<urn:a> <urn:p> <urn:c> .\n"}))
    text = changing.client().get("/dataset/release-first").text
    assert "dcat:inSeries" in text
    page = changing.client().get("/dataset/release-first", headers={"Accept": "text/html"}).text
    assert f'<meta name="DCTERMS.isVersionOf" content="{ALL}">' in page
    assert '<meta name="DCTERMS.language" content="da">' in page
    assert f"<{ROOT}dump/{number}.nq.gz>" in text
    series = lines(changing.client().get("/dataset/releases").data)
    for path in (f"{DCAT}seriesMember", "http://purl.org/dc/terms/hasPart"):
        assert f"<{BASE}dataset/releases> <{path}> <{BASE}dataset/release-first> ." in series
    listed = changing.client().get("/dataset/releases", headers={"Accept": "text/html"}).text
    assert '<dt>Parts</dt><dd><a href="/dataset/release-first">first</a></dd>' in listed
    assert changing.client().get(f"/dump/{number}.nq.gz").status_code == 200
    answer = changing.store.query(Query("SELECT * WHERE { ?s ?p ?o } LIMIT 1", ("text/csv",)))
    answer.close()


def test_mappings_to_other_vocabularies_are_told_with_their_number(portal: Portal) -> None:
    client = portal.client()
    told = lines(client.get("/.well-known/void").data)
    found = portal.column(
        f"PREFIX void: <{VOID}> SELECT (CONCAT(STR(?p), ' ', STR(?dump), ' ', STR(?n)) AS ?t) "
        f"WHERE {{ <{BASE}dataset/model> void:subset ?set . ?set a void:Linkset ; "
        "void:linkPredicate ?p ; void:dataDump ?dump ; void:triples ?n }"
    )
    assert len(found) > 10
    for row in found:
        path, dump, number = row.split()
        mapped = lines(client.get("/" + dump.removeprefix(ROOT)).data)
        ours = rf"^<https://w3id.org/coprod/ontology#\w+> <{re.escape(path)}> <"
        assert len(re.findall(ours, mapped, re.M)) == int(number), row
        assert f"<{VOID}dataDump> <{dump}>" in told
    country = "http://publications.europa.eu/resource/authority/country"
    assert f"<{VOID}objectsTarget> <{country}>" in told


def test_json_files_name_a_context_with_which_they_say_the_same(portal: Portal) -> None:
    client = portal.client()
    found = lines(client.get(f"/dataset/organisation-{CASE}").data)
    address = re.search(rf"<{DCAT}downloadURL> <([^>]+)\.jsonld>", found)
    assert address is not None
    path = address[1].removeprefix(ROOT.rstrip("/"))
    document = client.get(f"{path}.jsonld").get_data(as_text=True)
    told = json.loads(document)
    assert told["@context"] == f"{ROOT}{CONTEXT}"
    context = client.get("/" + told["@context"].removeprefix(ROOT))
    assert context.mimetype == "application/ld+json"
    assert context.headers["Access-Control-Allow-Origin"] == "*"
    whole = json.dumps({**told, **context.get_json()})
    said = {quad.triple for quad in ox.parse(whole, format=ox.RdfFormat.JSON_LD)}
    turtle = client.get(f"{path}.ttl").data
    assert said == {quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)}
    # what was taken from here can be sent back: the link is known, and no other one is followed
    sent = SubmittedFile("case.jsonld", document.encode(), organisation=CASE)
    (outcome,) = submit([sent], portal.store, portal.settings, CODER, SubmitOptions(dry_run=True))
    assert outcome.error is None
    assert outcome.triples == len(said)
    other = document.replace(told["@context"], "https://example.org/context.jsonld")
    (refused,) = submit([replace(sent, content=other.encode())], portal.store, portal.settings)
    assert "on another server" in str(refused.error)


def test_the_context_has_every_term_by_its_own_name() -> None:
    told = """{"@context": "https://example.org/kg/context/coprod-1.jsonld", "@id": "urn:a",
      "@type": "Initiative", "runBy": "urn:b", "peopleCount": "12", "rdfs:label": "A"}"""
    said = {
        str(quad.triple)
        for quad in ox.parse(with_context_inside(told), format=ox.RdfFormat.JSON_LD)
    }
    term = "https://w3id.org/coprod/ontology#"
    assert f"<urn:a> <{term}runBy> <urn:b>" in said
    assert f"<urn:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{term}Initiative>" in said
    assert any(f'{term}peopleCount> "12"^^<http' in text for text in said)
    assert len(said) == 4
