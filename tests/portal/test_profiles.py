"""Things are told in the terms of other vocabularies, by the profile that a client asks for."""

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from tests.portal.conftest import BASE, Portal

MARKET = "initiative/afrikaandermarkt-cleaning"
THING = ox.NamedNode(f"{BASE}id/{MARKET}")
CITY = "organisation/gemeente-rotterdam"
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
ALTR = "http://www.w3.org/ns/dx/connegp/altr#"
CIDS, SCHEMA = "https://ontology.commonapproach.org/cids#", "https://schema.org/"
# token, the IRI of the profile, and what an initiative and a municipality are in it
PROFILES = [
    (
        "org",
        "http://www.w3.org/ns/org",
        {"http://www.w3.org/ns/prov#Activity"},
        {"http://www.w3.org/ns/org#Organization", "http://www.w3.org/ns/prov#Organization"},
    ),
    (
        "cpsv-ap",
        "http://data.europa.eu/m8g/cpsvap/3.2.0",
        {"http://xmlns.com/foaf/0.1/Project"},
        {"http://data.europa.eu/m8g/PublicOrganisation"},
    ),
    (
        "cids",
        "https://ontology.commonapproach.org/cids",
        {f"{CIDS}Activity"},
        {f"{CIDS}Organization"},
    ),
    ("schema-org", SCHEMA, {f"{SCHEMA}Action"}, {f"{SCHEMA}GovernmentOrganization"}),
]


@pytest.fixture(scope="module")
def client(portal: Portal) -> FlaskClient:
    return portal.client()


def graph(data: bytes, form: ox.RdfFormat = ox.RdfFormat.TURTLE) -> list[ox.Quad]:
    return list(ox.parse(data, format=form))


@pytest.mark.parametrize(("token", "iri", "initiative", "organisation"), PROFILES)
def test_a_thing_is_told_in_the_terms_of_a_profile(
    client: FlaskClient, token: str, iri: str, initiative: set[str], organisation: set[str]
) -> None:
    for thing, types in ((MARKET, initiative), (CITY, organisation)):
        by_name = client.get(f"/doc/{thing}?_profile={token}", headers={"Accept": "text/turtle"})
        header = {"Accept-Profile": f"<urn:other>, <{iri}>;q=0.8", "Accept": "text/turtle"}
        by_header = client.get(f"/doc/{thing}", headers=header)
        assert by_header.data == by_name.data
        assert by_header.headers["Content-Profile"] == f"<{iri}>"
        assert f'<{iri}>; rel="profile"' in by_header.headers.getlist("Link")
        assert "Accept-Profile" in by_header.headers["Vary"]
        assert by_header.headers["ETag"] != client.get(f"/doc/{thing}").headers["ETag"]
        quads = graph(by_name.data)
        node = ox.NamedNode(f"{BASE}id/{thing}")
        told = {
            str(quad.object).strip("<>")
            for quad in quads
            if quad.subject == node and quad.predicate == TYPE
        }
        assert told == types
        ours = [quad.predicate for quad in quads if "/coprod/ontology#" in quad.predicate.value]
        assert ours == []
        again = client.get(by_name.headers["Content-Location"])
        assert again.data == by_name.data


def test_no_claim_or_participation_is_told_to_be_what_it_is_only_related_to(
    client: FlaskClient,
) -> None:
    claims = {
        quad.subject
        for quad in graph(client.get(f"/doc/{MARKET}?format=ttl").data)
        if quad.predicate.value.endswith("ontology#about")
    }
    assert claims
    for token, *_ in PROFILES:
        quads = graph(client.get(f"/doc/{MARKET}?_profile={token}&format=ttl").data)
        types = {quad.object for quad in quads if quad.subject in claims and quad.predicate == TYPE}
        assert types <= {ox.NamedNode("http://www.w3.org/ns/prov#Entity")}
        whole = " ".join(str(quad) for quad in quads)
        assert "participation/afrikaandermarkt-cleaning-residents>" in whole, token


def test_secondary_coding_says_so_in_other_terms_too(client: FlaskClient) -> None:
    plain = client.get(f"/doc/{MARKET}")
    for token, *_ in PROFILES:
        told = client.get(f"/doc/{MARKET}?_profile={token}&_mediatype=text/turtle")
        assert told.mimetype == "text/turtle"
        assert told.headers["Answer-Caveat"] == plain.headers["Answer-Caveat"]
        assert told.text.startswith("# ")


def test_the_alternatives_are_listed_and_each_is_there(client: FlaskClient) -> None:
    answer = client.get(f"/doc/{MARKET}?_profile=alt&format=nt")
    quads = graph(answer.data, ox.RdfFormat.N_TRIPLES)
    listed = [
        str(quad.object).strip("<>")
        for quad in quads
        if quad.predicate.value == f"{ALTR}hasRepresentation"
    ]
    assert len(listed) == 5
    defaults = [
        str(quad.object).strip("<>")
        for quad in quads
        if quad.predicate.value.endswith("#hasDefaultRepresentation")
    ]
    assert defaults == [f"http://localhost/doc/{MARKET}"]
    profiles = set()
    for address in listed:
        found = client.get(address)
        assert found.status_code == 200
        profiles.add(found.headers["Content-Profile"])
    assert len(profiles) == 5
    links = ", ".join(client.get(f"/doc/{MARKET}").headers.getlist("Link"))
    assert links.count("; profile=") == 4


def test_the_thing_leads_to_its_document_in_the_profile(client: FlaskClient) -> None:
    seen = client.get(f"/id/{MARKET}?_profile=cids", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (seen.status_code, seen.headers["Location"]) == (303, f"/doc/{MARKET}?_profile=cids")
    pinned = client.get(f"/id/{MARKET}.ttl?_profile=alt&version=3")
    assert pinned.headers["Location"] == f"/doc/{MARKET}.ttl?version=3&_profile=alt"


def test_a_profile_that_is_none_is_refused_with_those_there_are(client: FlaskClient) -> None:
    for address, headers in (
        (f"/doc/{MARKET}?_profile=nonsense", {}),
        (f"/doc/{MARKET}", {"Accept-Profile": "<urn:other>"}),
        (f"/doc/{MARKET}", {"Accept-Profile": "nonsense"}),
        (f"/id/{MARKET}?_profile=nonsense", {}),
        ("/doc/vocab/stage/project?_profile=org", {}),
        ("/doc/stage-assessment/afrikaandermarkt-cleaning-project?_profile=cids", {}),
    ):
        assert client.get(address, headers=headers).status_code == 406, address
    # a wish that has no meaning for a concept changes nothing
    wish = {"Accept-Profile": "<urn:other>"}
    assert client.get("/doc/vocab/stage/project", headers=wish).status_code == 200
