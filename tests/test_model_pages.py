"""The model as pages, pictures and RDF: every name resolves, nothing that is written is lost."""

import re
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient
from rdflib import RDF, RDFS, SH, SKOS, Graph, URIRef

from coprod_kg.publishing.arrows import Arrow, Box
from coprod_kg.publishing.demands import CONSTRAINTS
from coprod_kg.publishing.diagrams import diagrams
from coprod_kg.publishing.ontology import ontology
from coprod_kg.publishing.sections import sections
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.web.conftest import tiny_world

BASE = "https://w3id.org/coprod/"
TOP = Path(__file__).parents[1]
FORMATS = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
}
SCHEMES = sorted(path.stem for path in (TOP / "ontology" / "vocab").glob("*.ttl"))
PAGES = ["/ontology", "/shapes", "/ontology/changelog", *(f"/vocab/{one}" for one in SCHEMES)]


class Page(HTMLParser):
    """A page read for its text, names and links; every element must be closed."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.described: list[str] = []
        self.open: list[str] = []
        self.scripts = 0
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.described += given.get("aria-labelledby", "").split()
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open, f"<{tag}/> outside of a picture"

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @cached_property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(tiny_world(TOP), Settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def pages(app: Flask) -> dict[str, Page]:
    client = app.test_client()
    return {one: Page(client.get(one, headers={"Accept": "text/html"}).text) for one in PAGES}


def graph(*paths: Path) -> Graph:
    found = Graph()
    for path in paths:
        found.parse(path)
    return found


def shape_files() -> list[Path]:
    return sorted((TOP / "shapes").glob("*/*.ttl"))


def terms() -> list[URIRef]:
    model = graph(TOP / "ontology" / "coprod.ttl")
    return sorted({one for one in model.subjects(RDFS.isDefinedBy) if isinstance(one, URIRef)})


def test_every_term_is_told_with_its_definition_and_example(pages: dict[str, Page]) -> None:
    model, page = graph(TOP / "ontology" / "coprod.ttl"), pages["/ontology"]
    for term in terms():
        assert term.rpartition("#")[2] in page.ids
        for said in (SKOS.prefLabel, SKOS.definition, SKOS.example, SKOS.scopeNote):
            for one in model.objects(term, said):
                assert str(one) in page.text, f"{term} {said}"


def test_every_shape_is_told_with_its_message(pages: dict[str, Page]) -> None:
    model, page = graph(*shape_files()), pages["/shapes"]
    not_ahead = URIRef(f"{BASE}shapes#NotAhead")
    for kind in (SH.NodeShape, SH.PropertyShape, not_ahead):
        for shape in model.subjects(RDF.type, kind):
            assert str(shape).rpartition("#")[2] in page.ids
            example = URIRef(f"{BASE}shapes#example")
            for said in (SH.message, example, SH.description, SKOS.editorialNote):
                for text in model.objects(shape, said):
                    assert getattr(text, "language", None) in ("da", "de") or str(text) in page.text


def test_every_constraint_of_the_shapes_has_words() -> None:
    told = {"sh:minCount", "sh:maxCount", "sh:qualifiedValueShape"}
    told |= {"sh:qualifiedMinCount", "sh:qualifiedMaxCount"}
    about = {"path", "name", "description", "message", "severity", "order", "sparql", "select"}
    about |= {"prefixes", "targetClass", "targetSubjectsOf", "targetObjectsOf", "inversePath"}
    about |= {"alternativePath", "zeroOrMorePath", "zeroOrOnePath", "oneOrMorePath", "declare"}
    space = str(SH._NS)
    used = {str(one) for one in graph(*shape_files()).predicates()}
    lost = (
        {one.replace(space, "sh:") for one in used if one.startswith(space)}
        - CONSTRAINTS.keys()
        - told
    )
    assert lost <= {f"sh:{one}" for one in about}


def test_every_concept_stands_in_the_page_of_its_scheme(pages: dict[str, Page]) -> None:
    for scheme in SCHEMES:
        model, page = graph(TOP / "ontology" / "vocab" / f"{scheme}.ttl"), pages[f"/vocab/{scheme}"]
        for concept in model.subjects(SKOS.inScheme):
            assert str(concept).rpartition("/")[2] in page.ids
            for label in model.objects(concept, SKOS.prefLabel):
                assert str(label) in page.text


def names() -> Iterator[str]:
    """Every IRI of ours that the files use as a subject."""
    vocabularies = [TOP / "ontology" / "vocab" / f"{one}.ttl" for one in SCHEMES]
    prefixes = TOP / "ontology" / "prefixes.ttl"
    model = graph(TOP / "ontology" / "coprod.ttl", prefixes, *vocabularies, *shape_files())
    yield from sorted({str(one) for one in model.subjects() if str(one).startswith(BASE)})
    yield from (f"{BASE}ontology/{name}" for name in ("changelog", "0.1.0", "0.2.0"))


def test_every_name_resolves_here(client: FlaskClient, pages: dict[str, Page]) -> None:
    ids = {one: set(page.ids) for one, page in pages.items()}
    lost = []
    for name in names():
        path, _, anchor = name.removeprefix(BASE).partition("#")
        response = client.get(f"/{path}", headers={"Accept": "text/html"})
        found = response.status_code in (200, 303)
        found = found and (not anchor or anchor in ids[f"/{path}"])
        lost += [] if found else [name]
    assert not lost


# rdflib reads JSON-LD by way of a class of its own that it has deprecated.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Dataset.default_context is deprecated:DeprecationWarning")
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("address", ["/ontology", "/shapes", *(f"/vocab/{one}" for one in SCHEMES)])
def test_the_rdf_states_what_the_files_state(
    client: FlaskClient, address: str, suffix: str
) -> None:
    response = client.get(f"{address}.{suffix}")
    assert response.mimetype == FORMATS[suffix]
    served = Graph().parse(data=response.data, format=FORMATS[suffix])
    if address == "/shapes":
        written = graph(*shape_files())
    elif address == "/ontology":
        written = graph(TOP / "ontology" / "coprod.ttl")
    else:
        written = graph(TOP / "ontology" / f"{address.removeprefix('/')}.ttl")
    assert canonical(served) == canonical(written)


def canonical(found: Graph) -> ox.Dataset:
    """The same graph with the same names for its blank nodes, whoever read it."""
    lines = found.serialize(format="nt").encode()
    same = ox.Dataset(ox.parse(lines, format=ox.RdfFormat.N_TRIPLES))
    same.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return same


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/turtle", "text/turtle"),
        ("application/rdf+xml", "application/rdf+xml"),
        ("application/ld+json;q=0.8, application/n-triples;q=0.9", "application/n-triples"),
        ("text/html;q=0.5, text/turtle;q=0.6", "text/turtle"),
        ("text/turtle;q=0, application/ld+json;q=0.1", "application/ld+json"),
        ("*/*", "text/turtle"),
    ],
)
@pytest.mark.parametrize("address", ["/ontology", "/shapes", "/vocab/stage", "/ontology/0.2.0"])
def test_the_client_says_what_it_reads(
    client: FlaskClient, address: str, accept: str, media_type: str
) -> None:
    response = client.get(address, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.mimetype == media_type
    assert "Accept" in response.headers["Vary"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    base = "/ontology" if address.startswith("/ontology") else address
    suffix = {**FORMATS, "html": "text/html"}
    name = next(one for one, known in suffix.items() if known == media_type)
    assert response.headers["Content-Location"] == f"{base}.{name}"
    others = set(suffix) - {name}
    assert all(f'<{base}.{one}>; rel="alternate"' in response.headers["Link"] for one in others)


def test_an_old_version_is_served_as_it_was_published(client: FlaskClient) -> None:
    response = client.get("/ontology/0.1.0", headers={"Accept": "text/turtle"})
    assert response.data == (TOP / "ontology" / "versions" / "0.1.0.ttl").read_bytes()
    assert b"owl:versionIRI <https://w3id.org/coprod/ontology/0.1.0>" in response.data
    page = client.get("/ontology/0.1.0", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Location"]) == (303, "/ontology/changelog")


def test_the_alignments_have_addresses_of_their_own(client: FlaskClient) -> None:
    for path in (TOP / "ontology" / "alignments").glob("*.ttl"):
        name = path.stem.removeprefix("coprod-to-")
        response = client.get(f"/ontology/alignments/{name}", headers={"Accept": "text/turtle"})
        assert response.data == path.read_bytes()
    table = client.get("/ontology/alignments")
    assert table.mimetype == "text/tab-separated-values"
    assert b"mapping_justification" in table.data
    assert client.get("/ontology/alignments/cpsvap").status_code == 404


def test_what_nobody_can_write_is_refused(client: FlaskClient) -> None:
    assert client.get("/ontology", headers={"Accept": "image/png"}).status_code == 406
    assert client.get("/ontology.pdf").status_code == 404


@pytest.mark.parametrize("address", [*PAGES, "/ontology.ttl", "/ontology/diagrams/overview.svg"])
def test_what_is_held_already_is_not_sent_again(client: FlaskClient, address: str) -> None:
    accept = {"Accept": "text/html, */*;q=0.5"}
    tag = client.get(address, headers=accept).headers["ETag"]
    again = client.get(address, headers={**accept, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    head = client.head(address, headers=accept)
    assert (head.headers["ETag"], head.data) == (tag, b"")


def test_each_format_has_its_own_tag(client: FlaskClient) -> None:
    tags = [client.get(f"/ontology.{one}").headers["ETag"] for one in (*FORMATS, "html")]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/ontology/Initative", "/ontology#Initiative"),
        ("/shapes/Initiative-startdate", "/shapes#Initiative-startDate"),
        ("/vocab/barriers", "/vocab/barrier"),
        ("/ontology/diagrams/stage.svg", "/ontology/diagrams/stages.svg"),
    ],
)
def test_an_unknown_name_is_not_found_and_the_nearest_is_said(
    client: FlaskClient, address: str, hint: str
) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response.json is not None
    assert f"({hint})" in response.json["fix"]


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("/ontology/Claim", "/ontology#Claim"),
        ("/shapes/Claim-about", "/shapes#Claim-about"),
        ("/vocab", "/ontology#section-schemes"),
    ],
)
def test_a_name_written_with_a_stroke_leads_to_its_place(
    client: FlaskClient, address: str, location: str
) -> None:
    response = client.get(address)
    assert (response.status_code, response.headers["Location"]) == (303, location)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_well_formed_and_needs_no_script(pages: dict[str, Page], address: str) -> None:
    page = pages[address]
    assert page.scripts == 0
    assert len(page.ids) == len(set(page.ids))
    assert set(page.described) <= set(page.ids)


def test_every_link_of_the_pages_leads_somewhere(
    client: FlaskClient, pages: dict[str, Page]
) -> None:
    ids = {address: set(page.ids) for address, page in pages.items()}
    links = {(address, link) for address, page in pages.items() for link in page.links}
    known: dict[str, int] = {}
    lost = []
    for address, link in sorted(links):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("http", "https")
            continue
        path = parts.path or address
        if path not in known:
            known[path] = client.get(unquote(path), headers={"Accept": "text/html"}).status_code
        anchor = parts.fragment
        if known[path] not in (200, 303) or (anchor and anchor not in ids.get(path, {anchor})):
            lost.append((address, link))
    assert not lost


def test_the_changelog_is_markdown_too(client: FlaskClient) -> None:
    response = client.get("/ontology/changelog", headers={"Accept": "text/markdown"})
    assert response.mimetype == "text/markdown"
    assert response.data == (TOP / "ontology" / "CHANGELOG.md").read_bytes()


def test_every_class_stands_in_a_picture_and_every_relation_is_drawn() -> None:
    boxes = {box.iri for one in diagrams() for box in one.boxes}
    drawn = {relation.iri for one in diagrams() for relation in one.relations}
    for term in ontology().terms.values():
        back = [fact for fact in term.facts if fact.title == "The other way round"]
        twins = {word.iri for fact in back for phrase in fact.phrases for word in phrase}
        if term.kind == "class":
            assert term.iri in boxes, f"give {term.name} a place in diagrams.toml"
        elif term.kind == "object property":
            assert ({term.iri} | twins) & drawn, f"no picture shows {term.name}"


def test_every_term_is_told_once() -> None:
    told = [term.name for one in sections() for term in (*one.classes, *one.properties)]
    assert sorted(told) == sorted(ontology().terms)


def between(arrow: Arrow, box: Box) -> bool:
    """Whether an arrow runs through a box and not just up to it."""
    left, right = sorted((arrow.x1, arrow.x2))
    top, bottom = sorted((arrow.y1, arrow.y2))
    across = left < box.right - 3 and right > box.x + 3
    return across and top < box.bottom - 3 and bottom > box.y + 3


@pytest.mark.parametrize("name", [one.name for one in diagrams()])
def test_nothing_in_a_picture_hides_anything_else(name: str) -> None:
    picture = next(one for one in diagrams() if one.name == name)
    for one, other in combinations(picture.boxes, 2):
        apart = one.right < other.x or other.right < one.x
        assert apart or one.bottom < other.y or other.bottom < one.y, (one.name, other.name)
    for arrow in picture.arrows:
        straight = arrow.x1 == arrow.x2 or arrow.y1 == arrow.y2
        assert straight, f"{arrow.relation} slants: move a box in diagrams.toml"
        for box in picture.boxes:
            assert not between(arrow, box), f"{arrow.relation} runs through {box.name}"
    for box in picture.boxes:
        assert 17 * (len(box.titles) + len(box.lines)) <= box.height - 4, f"{box.name} overflows"
        assert all(len(line) <= 34 for line in box.lines), box.lines


@pytest.mark.parametrize("name", [one.name for one in diagrams()])
def test_a_picture_is_svg_that_stands_alone_and_says_what_it_shows(
    client: FlaskClient, name: str
) -> None:
    response = client.get(f"/ontology/diagrams/{name}.svg")
    assert response.mimetype == "image/svg+xml"
    root = ElementTree.fromstring(response.data)
    space = "{http://www.w3.org/2000/svg}"
    picture = next(one for one in diagrams() if one.name == name)
    assert root.findtext(f"{space}title") == picture.title
    assert root.findtext(f"{space}desc") == picture.text
    links = [one.attrib["href"] for one in root.iter(f"{space}a")]
    assert all(link.startswith("http") for link in links)
    written = " ".join(text for text in root.itertext())
    named = [one for one in picture.relations if one.iri]
    assert all(one.label in written for one in named), "the words say more than the picture"
    assert all(line in written for box in picture.boxes for line in box.titles)


def test_a_page_says_which_questions_use_a_term(client: FlaskClient) -> None:
    text = client.get("/ontology.html").text
    article = text[text.index('id="currentStage"') :]
    article = article[: article.index("</article>")]
    assert 'href="/queries/initiatives-at-stage"' in article


def test_an_axiom_reads_as_words(pages: dict[str, Page]) -> None:
    text = pages["/ontology"].text
    assert "lifecycle status some one of Paused · Closed · Abandoned" in text
    assert "run by at least 2 org:Organization" in text
    assert "run within → org:unitOf" in text
