"""An assessor of FAIR data finds the same facts in each form in which a dataset is described.

The forms are the metadata inside of its page (schema.org and Dublin Core), the links of the page,
and the RDF that is negotiated. The principle of FAIR that a test is about stands in its name.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.model.namespaces import expand
from tests.portal.conftest import BASE, OFFICE, ROOT, Portal

CASE = "organisation-active-senior-foundation"
SLUGS = ("all", "model", "releases", CASE)
GRAPH = f"{BASE}graph/organisation/active-senior-foundation"


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms in which a dataset is described."""

    iri: str
    page: TestResponse
    schema_org: dict[str, Any]
    dublin_core: Sequence[tuple[str, str]]
    dcat: ox.Store

    def core(self, name: str) -> list[str]:
        return sorted(value for term, value in self.dublin_core if term == name)

    def told(self, *path: str) -> list[str]:
        """The values at the end of a path in the RDF."""
        found: list[Any] = [ox.NamedNode(self.iri)]
        for step in path:
            found = [quad.object for node in found for quad in self.matches(node, step)]
        return sorted(node.value for node in found)

    def matches(self, subject: Any, path: str) -> Iterator[ox.Quad]:
        return self.dcat.quads_for_pattern(subject, ox.NamedNode(expand(path)), None)


def forms(client: FlaskClient, slug: str) -> Forms:
    page = client.get(f"/dataset/{slug}", headers={"Accept": "text/html, */*"})
    (embedded,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.S)
    core = re.findall(r'<meta name="DCTERMS\.(\w+)" content="([^"]*)">', page.text)
    answer = client.get(f"/dataset/{slug}", headers={"Accept": "application/rdf+xml"})
    store = ox.Store()
    store.load(answer.data, ox.RdfFormat.RDF_XML)
    return Forms(f"{BASE}dataset/{slug}", page, json.loads(embedded), core, store)


def references(found: Forms, name: str) -> list[str]:
    return sorted(other["@id"] for other in found.schema_org.get(name, ()))


@pytest.mark.parametrize("slug", SLUGS)
def test_f1_and_f3_one_identifier_that_is_unique_on_the_whole_web(
    portal: Portal, slug: str
) -> None:
    found = forms(portal.client(), slug)
    assert found.schema_org["@id"] == found.schema_org["identifier"] == found.iri
    assert found.core("identifier") == [found.iri]
    assert found.told("dcterms:identifier") == [found.iri]
    assert f'<{found.iri}>; rel="cite-as"' in found.page.headers["Link"]


@pytest.mark.parametrize("slug", SLUGS)
def test_f2_and_r1_citation_description_and_licence_agree(portal: Portal, slug: str) -> None:
    found = forms(portal.client(), slug)
    for name, term in (("datePublished", "issued"), ("dateModified", "modified")):
        assert [found.schema_org[name]] == found.core(term) == found.told(f"dcterms:{term}")
    assert (
        sorted(found.schema_org["keywords"]) == found.core("subject") == found.told("dcat:keyword")
    )
    assert [found.schema_org["license"]] == found.core("license") == found.told("dcterms:license")
    (right,) = found.told("dcterms:accessRights")
    assert found.schema_org["conditionsOfAccess"] == right
    assert found.core("accessRights") == [right]
    for role in ("publisher", "creator"):
        names = sorted(agent["name"] for agent in found.schema_org[role])
        assert names == found.core(role) == found.told(f"dcterms:{role}", "foaf:name")
    assert found.schema_org["publisher"][0]["url"] == OFFICE["publisher_url"]
    assert found.told("dcterms:publisher", "foaf:homepage") == [OFFICE["publisher_url"]]


def test_f2_an_agent_has_only_what_was_told_of_it(portal: Portal) -> None:
    found = forms(portal.client(), CASE)
    assert [agent["name"] for agent in found.schema_org["creator"]] == ["The coder"]
    assert not any("url" in agent for agent in found.schema_org["creator"])


@pytest.mark.parametrize("slug", SLUGS)
def test_r1_the_languages_are_those_of_the_data(portal: Portal, slug: str) -> None:
    found = forms(portal.client(), slug)
    codes = found.told("dcterms:language", "skos:notation")
    assert sorted(found.schema_org.get("inLanguage", ())) == found.core("language") == codes
    assert codes == {"releases": [], CASE: ["en"]}.get(slug, ["da", "de", "en"])


@pytest.mark.parametrize("slug", SLUGS)
def test_i3_relations_to_others_are_told_in_each_form_and_resolve(
    portal: Portal, slug: str
) -> None:
    client = portal.client()
    found = forms(client, slug)
    for name in ("isPartOf", "hasPart"):
        told = found.told(f"dcterms:{name}")
        assert references(found, name) == found.core(name) == told
        for other in told:
            assert client.get("/" + other.removeprefix(BASE)).status_code == 200
    assert references(found, "isPartOf") == (
        [] if slug in ("all", "releases") else [f"{BASE}dataset/all"]
    )


def test_r1_2_provenance_is_told_in_prov_and_can_be_followed(portal: Portal) -> None:
    client = portal.client()
    found = forms(client, CASE)
    assert references(found, "isBasedOn") == found.told("prov:wasDerivedFrom") == [GRAPH]
    record = client.get(
        "/" + GRAPH.removeprefix(BASE),
        headers={"Accept": "application/n-triples"},
        follow_redirects=True,
    )
    assert f"<{GRAPH}> <{expand('prov:wasGeneratedBy')}> <{BASE}submission/" in record.text


@pytest.mark.parametrize("slug", ["all", "model", CASE])
def test_a1_and_r1_files_are_what_is_told_of_their_type_and_size(portal: Portal, slug: str) -> None:
    client = portal.client()
    for file in forms(client, slug).schema_org["distribution"]:
        client.get("/" + file["contentUrl"].removeprefix(ROOT))  # a whole version is made by then
    found = forms(client, slug)
    assert found.schema_org["distribution"]
    for file in found.schema_org["distribution"]:
        address = "/" + file["contentUrl"].removeprefix(ROOT)
        for answer in (client.head(address), client.get(address)):
            assert answer.status_code == 200
            assert answer.headers["Content-Length"] == file["contentSize"]
            packed = address.endswith(".gz")
            assert answer.mimetype == ("application/gzip" if packed else file["encodingFormat"])
        link = f'<{file["contentUrl"]}>; rel="item"; type="{answer.mimetype}"'
        assert link in found.page.headers["Link"]
    sizes = [file["contentSize"] for file in found.schema_org["distribution"]]
    assert found.told("dcat:distribution", "dcat:byteSize") == sorted(sizes)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_first_link_header_has_every_signpost(portal: Portal, slug: str) -> None:
    client = portal.client()
    page = client.get(f"/dataset/{slug}", headers={"Accept": "text/html"})
    given = set(re.findall(r'<([^>]*)>; rel="([^"]*)"', page.headers["Link"]))
    for context in client.get(f"/dataset/{slug}/linkset").get_json()["linkset"][:1]:
        assert context.pop("anchor") == f"{ROOT}dataset/{slug}"
        listed = {(link["href"], rel) for rel, links in context.items() for link in links}
    assert given == listed | {(f"{ROOT}dataset/{slug}/linkset", "linkset")}
    inside = re.findall(r'<link rel="([\w-]+)"(?: type="[^"]*")? href="([^"]*)">', page.text)
    assert given <= {(target, rel) for rel, target in inside}
