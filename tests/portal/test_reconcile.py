"""Names in a table are matched as the Reconciliation API 0.2 has it, and what is certain is so."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from jsonschema_rs import Draft7Validator

from coprod_kg.access import Private
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.portal.conftest import BASE, ROOT, Portal, Whole
from tests.web.conftest import tiny_world

CP = "https://w3id.org/coprod/ontology#"
ORGANISATION = "http://www.w3.org/ns/org#Organization"
COUNTRY = "http://publications.europa.eu/resource/authority/country/"
MARKET = f"{BASE}id/initiative/afrikaandermarkt-cleaning"
ROTTERDAM = f"{BASE}id/organisation/gemeente-rotterdam"

# What the specification's JSON schemas ask of each answer, in our own words.
TEXT = {"type": "string"}
TYPE = {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "required": ["id", "name"]}
TYPED = {"oneOf": [TEXT, {**TYPE, "required": ["id"]}]}
TEMPLATE = {"type": "string", "pattern": r".*\{\{id\}\}.*"}
PLACE = {"type": "object", "properties": {"service_url": TEXT, "service_path": TEXT}}
MANIFEST = {
    "type": "object",
    "required": ["versions", "name", "identifierSpace", "schemaSpace"],
    "properties": {
        "versions": {"type": "array", "items": TEXT, "contains": {"const": "0.2"}},
        "name": TEXT,
        "identifierSpace": TEXT,
        "schemaSpace": TEXT,
        "documentation": TEXT,
        "serviceVersion": TEXT,
        "defaultTypes": {"type": "array", "items": TYPE, "uniqueItems": True},
        "view": {"required": ["url"], "properties": {"url": TEMPLATE}},
        "preview": {
            "required": ["url", "width", "height"],
            "properties": {
                "url": TEMPLATE,
                "width": {"type": "integer"},
                "height": {"type": "integer"},
            },
        },
        "suggest": {"properties": dict.fromkeys(("entity", "property", "type"), PLACE)},
        "extend": {
            "properties": {"propose_properties": PLACE, "property_settings": {"type": "array"}}
        },
    },
}
FEATURE = {
    "type": "object",
    "properties": {"id": TEXT, "value": {"type": ["boolean", "number"]}},
}
RESULTS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["result"],
        "properties": {
            "result": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "name", "score"],
                    "properties": {
                        "id": TEXT,
                        "name": TEXT,
                        "description": TEXT,
                        "score": {"type": "number"},
                        "features": {"type": "array", "items": FEATURE},
                        "match": {"type": "boolean"},
                        "type": {"type": "array", "items": TYPED},
                    },
                },
            }
        },
    },
}
SUGGESTED = {
    "type": "object",
    "required": ["result"],
    "properties": {
        "result": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": TEXT,
                    "name": TEXT,
                    "description": TEXT,
                    "notable": {"type": "array", "items": TYPED},
                },
            },
        }
    },
}


def only(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "description"],
        "additionalProperties": False,
    }


DAY = r"^-?\d{4}-(1[0-2]|0[1-9])-(3[01]|0[1-9]|[12]\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
EXTENDED = {
    "type": "object",
    "required": ["rows", "meta"],
    "properties": {
        "meta": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": TEXT, "name": TEXT, "type": {**TYPE, "required": ["id"]}},
            },
        },
        "rows": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {
                    "type": "array",
                    "items": {
                        "oneOf": [
                            only(),
                            only(id=TEXT, name=TEXT, description=TEXT),
                            only(str=TEXT),
                            only(float={"type": "number"}),
                            only(int={"type": "integer"}),
                            only(date={"type": "string", "pattern": DAY}),
                        ]
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def client(portal: Portal) -> FlaskClient:
    return portal.client()


def checked(value: Any, schema: dict[str, Any]) -> Any:
    assert [error.message for error in Draft7Validator(schema).iter_errors(value)] == []
    return value


def candidates(
    client: FlaskClient, query: dict[str, Any] | str, start: str = "/reconcile"
) -> list[dict[str, Any]]:
    """The candidates for one query."""
    query = {"query": query} if isinstance(query, str) else query
    answer = client.post(start, data={"queries": json.dumps({"q0": query})})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = checked(answer.get_json(), RESULTS)["q0"]["result"]
    return found


def certain(client: FlaskClient, query: dict[str, Any] | str) -> list[str]:
    return [found["id"] for found in candidates(client, query) if found["match"]]


def test_the_manifest_says_where_everything_is_in_each_language(client: FlaskClient) -> None:
    for start in ("reconcile", "da/reconcile", "de/reconcile"):
        answer = client.get(f"/{start}")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        told = checked(answer.get_json(), MANIFEST)
        assert len(told["defaultTypes"]) == 8
        assert told["view"]["url"].startswith(f"{ROOT}{start}/")
        for place in (*told["suggest"].values(), told["extend"]["propose_properties"]):
            address = place["service_url"] + place["service_path"]
            assert client.get(f"{address}?prefix=a").status_code == 200
    assert client.get("/da/reconcile").get_json()["defaultTypes"][7]["name"] == "land"


def test_a_name_in_any_language_or_a_code_is_certain_where_one_thing_has_it(
    client: FlaskClient,
) -> None:
    for name in ("Denmark", "Danmark", "dänemark", "DK", "DNK", f"{COUNTRY}DNK"):
        assert certain(client, name) == [f"{COUNTRY}DNK"], name
    assert certain(client, "City of ROTTERDAM") == [ROTTERDAM]
    assert certain(client, "pilot project") == ["https://w3id.org/coprod/vocab/stage/pilot-project"]
    assert certain(client, "Chile") == [f"{COUNTRY}CHL"]


def test_what_is_only_like_a_name_is_a_candidate_and_not_certain(client: FlaskClient) -> None:
    for name in ("Denmrk", "Danemark", "Denm", "Gemeente Rotterdm"):
        found = candidates(client, name)
        assert found, name
        assert not any(one["match"] for one in found), name
        assert all(one["score"] < 100 for one in found), name
    assert candidates(client, "zzzz qqqq") == []
    time = candidates(client, "tidsmangel", "/da/reconcile")
    assert [(one["name"], one["match"]) for one in time[:1]] == [("Mangel på tid", False)]


def test_a_name_that_two_things_have_is_certain_for_neither(checkout: Path, tmp_path: Path) -> None:
    store = tiny_world(checkout)
    for name, country in (("one", "DNK"), ("two", "SWE")):
        thing = f"<{BASE}id/organisation/{name}>"
        lines = f"""{thing} a <{ORGANISATION}> ; <{CP}country> <{COUNTRY}{country}> ;
            <http://www.w3.org/2000/01/rdf-schema#label> "Ministry of Time"@en ."""
        store.load(f"{BASE}graph/organisation/{name}", lines.encode())
    app = create_app(store, Settings(data=tmp_path))
    app.test_client_class = Whole
    client = app.test_client()
    assert len(candidates(client, "Ministry of Time")) == 2
    assert certain(client, "Ministry of Time") == []
    sweden = {"pid": f"{CP}country", "v": "Sweden"}
    query = {"query": "ministry of time", "properties": [sweden]}
    assert certain(client, query) == [f"{BASE}id/organisation/two"]
    assert [one["score"] for one in candidates(client, query)] == [100, 50]


def test_nothing_of_a_private_organisation_is_a_candidate(
    portal: Portal, client: FlaskClient
) -> None:
    private, asker = Private(portal.settings.data), f"{BASE}id/organisation/asker-kommune"
    assert certain(client, "Asker Municipality") == [asker]
    private.mark("asker-kommune")
    try:
        found = candidates(client, "Asker Municipality")
        assert asker not in {one["id"] for one in found}
        assert client.get(f"/reconcile/preview?id={asker}").status_code == 404
        asked = {"ids": [asker], "properties": [{"id": f"{CP}country"}]}
        told = client.post("/reconcile", data={"extend": json.dumps(asked)})
        assert told.get_json()["rows"][asker] == {f"{CP}country": []}
    finally:
        private.mark("asker-kommune", private=False)


def test_a_score_is_made_of_what_its_features_say(client: FlaskClient) -> None:
    for query in ("Denm", "Cleaning market", "Rotterdam"):
        for one in candidates(client, query):
            value = {feature["id"]: feature["value"] for feature in one["features"]}
            surplus = 1 + 0.02 * value["surplus_words"]
            expected = 95 * value["words"] * value["kind_of_name"] / surplus
            assert one["score"] == pytest.approx(expected, abs=0.2)


def test_values_of_properties_tell_candidates_apart(client: FlaskClient) -> None:
    country = {"pid": f"{CP}country", "v": ["nonsense", "Niederlande"]}
    owner = {"pid": f"{CP}runBy", "v": {"id": ROTTERDAM}}
    year = {"pid": f"{CP}startDate", "v": 2017}
    query = {"query": "cleaning of the Afrikaander market", "properties": [country, owner, year]}
    (found,) = candidates(client, {**query, "limit": 1})
    told = {feature["id"]: feature["value"] for feature in found["features"]}
    assert [told[name] for name in (f"{CP}country", f"{CP}runBy", f"{CP}startDate")] == [True] * 3
    assert found["match"]
    elsewhere = {**query, "properties": [{"pid": f"{CP}country", "v": "Denmark"}]}
    assert certain(client, elsewhere) == []
    assert candidates(client, elsewhere)[0]["score"] == 50
    alone = candidates(client, {"properties": [country], "type": f"{CP}Initiative"})
    assert [one["id"] for one in alone] == [MARKET]
    assert not alone[0]["match"]


def test_only_things_of_the_type_are_candidates(client: FlaskClient) -> None:
    found = candidates(client, {"query": "Rotterdam", "type": [ORGANISATION]})
    assert {one["type"][0]["id"] for one in found} == {ORGANISATION}
    assert candidates(client, {"query": "Rotterdam", "type": f"{CP}Stage"}) == []


def test_names_are_shown_in_the_language_of_the_address(client: FlaskClient) -> None:
    assert candidates(client, "Germany", "/da/reconcile")[0]["name"] == "Tyskland"
    assert candidates(client, "Germany", "/de/reconcile")[0]["type"][0]["name"] == "Land"


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        ("[", 400),
        ("[" * 100_000, 400),
        ("[]", 400),
        ('{"q0": 1}', 400),
        ('{"q0": {"query": 1}}', 400),
        ('{"q0": {"query": "a", "limit": true}}', 400),
        ('{"q0": {"query": "a", "limit": 0}}', 400),
        ('{"q0": {"query": "a", "properties": [{"v": 1}]}}', 400),
        (json.dumps({str(number): {"query": "a"} for number in range(51)}), 413),
    ],
)
def test_a_batch_that_is_none_is_refused_with_a_reason(
    client: FlaskClient, batch: str, status: int
) -> None:
    answer = client.post("/reconcile", data={"queries": batch})
    assert answer.status_code == status
    assert answer.get_json()["where"] == "parameter queries"
    assert client.post("/reconcile", json={}).status_code == 415
    assert client.post("/reconcile", data={"a": "b"}).status_code == 400


@pytest.mark.parametrize("empty", [{}, {"query": " "}, {"query": "", "properties": []}])
def test_a_query_without_a_text_finds_nothing_and_the_others_are_answered(
    client: FlaskClient, empty: dict[str, Any]
) -> None:
    batch = json.dumps({"q0": empty, "q1": {"query": "Denmark"}})
    for answer in (
        client.post("/reconcile", data={"queries": batch}),
        client.get("/reconcile", query_string={"queries": batch}),
    ):
        told = checked(answer.get_json(), RESULTS)
        assert told["q0"] == {"result": []}
        assert told["q1"]["result"][0]["id"] == f"{COUNTRY}DNK"


def test_names_are_completed_while_they_are_typed(client: FlaskClient) -> None:
    def suggested(what: str, **given: str) -> list[str]:
        answer = client.get(f"/reconcile/suggest/{what}", query_string=given)
        return [one["id"] for one in checked(answer.get_json(), SUGGESTED)["result"]]

    assert suggested("entity", prefix="afrikaanderw")[0].endswith("/afrikaanderwijk-cooperatie")
    assert suggested("entity", prefix=MARKET) == [MARKET]
    assert suggested("entity", prefix="denm", type=f"{CP}Country")[0] == f"{COUNTRY}DNK"
    assert suggested("entity", prefix="") == []
    first, rest = suggested("property", prefix=""), suggested("property", prefix="", cursor="1")
    assert first[1:] == rest[:19]
    assert suggested("property", prefix="run b") == [f"{CP}runBy"]
    assert suggested("property", prefix=f"{CP}runBy") == [f"{CP}runBy"]
    assert suggested("type", prefix="init") == [f"{CP}Initiative"]
    assert client.get("/reconcile/suggest/everything").status_code == 404
    assert client.get("/reconcile/suggest/type?cursor=-1").status_code == 400


def test_a_column_is_filled_with_values_of_properties(client: FlaskClient) -> None:
    proposed = client.get("/reconcile/properties", query_string={"type": f"{CP}Initiative"})
    known = {one["id"] for one in proposed.get_json()["properties"]}
    names = [f"{CP}country", f"{CP}runBy", f"{CP}startDate", "http://purl.org/dc/terms/description"]
    assert known >= set(names)
    rank = f"{CP}rank"
    stage = "https://w3id.org/coprod/vocab/stage/project"
    properties = [{"id": name} for name in (*names, rank, "no property")]
    query = json.dumps({"ids": [MARKET, stage, "nothing"], "properties": properties})
    answer = client.post("/da/reconcile", data={"extend": query})
    told = checked(answer.get_json(), EXTENDED)
    row = told["rows"][MARKET]
    assert row[names[0]] == [{"id": f"{COUNTRY}NLD", "name": "Nederlandene"}]
    assert {"id": ROTTERDAM, "name": "City of Rotterdam"} in row[names[1]]
    assert row[names[2]] == [{"str": "2017-03"}]
    assert told["rows"][stage][rank] == [{"int": 3}]
    assert set(told["rows"]["nothing"]) == {one["id"] for one in properties}
    assert told["meta"][0]["type"]["id"] == f"{CP}Country"
    assert client.get("/da/reconcile", query_string={"extend": query}).get_json() == told
    assert client.post("/reconcile", data={"extend": '{"ids": [1]}'}).status_code == 400


def test_a_thing_is_shown_in_a_frame_of_any_site_and_has_a_page(client: FlaskClient) -> None:
    address = quote(MARKET, safe="")
    preview = client.get(f"/de/reconcile/preview?id={address}")
    assert "frame-ancestors *" in preview.headers["Content-Security-Policy"]
    assert "<dd>Niederlande</dd>" in preview.text
    seen = client.get(f"/reconcile/view?id={address}")
    assert seen.status_code == 303
    assert client.get(seen.headers["Location"]).status_code == 200
    for other in ("http://elsewhere.example/", "nothing", ""):
        assert client.get(f"/reconcile/view?id={other}").status_code == 404
