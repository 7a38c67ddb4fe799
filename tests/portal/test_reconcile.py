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

# What the JSON schemas of the specification, a final report of its W3C community group under the
# W3C Software and Document License, ask of each request and answer; restated property by property.
TEXT = {"type": "string"}


def record(*required: str, closed: bool = False, **properties: Any) -> dict[str, Any]:
    """An object with these properties, where they are there, and no others where it is closed."""
    told = {"type": "object", "properties": properties, "required": list(required)}
    return {**told, "additionalProperties": False} if closed else told


def some(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


TYPE = record(
    "id", "name", id=TEXT, name=TEXT, description=TEXT, broader=some({"$ref": "#/$defs/type"})
)
TYPED = {"oneOf": [TEXT, record("id", id=TEXT, name=TEXT)]}
TEMPLATE = record("url", url={"type": "string", "pattern": r"\{\{id\}\}"})
PLACE = record(service_url=TEXT, service_path=TEXT)
SUGGEST = record(
    service_url=TEXT,
    service_path=TEXT,
    flyout_service_url=TEXT,
    flyout_service_path={"type": "string", "pattern": r"\$\{id\}"},
)
WHOLE = {"type": "integer"}
LABELLED: dict[str, Any] = {"label": TEXT, "name": TEXT, "help_text": TEXT}
CHOICE = record("value", "name", value=TEXT, name=TEXT)
SETTINGS = [
    record("type", "label", "name", type={"const": kind}, default={"type": default}, **LABELLED)
    for kind, default in (("number", "number"), ("text", "string"), ("checkbox", "boolean"))
]
SELECT = record(
    *("type", "label", "name", "choices"),
    type={"const": "select"},
    default=TEXT,
    choices=some(CHOICE),
    **LABELLED,
)
MANIFEST = record(
    *("versions", "name", "identifierSpace", "schemaSpace"),
    versions=some(TEXT, contains={"const": "0.2"}),
    name=TEXT,
    identifierSpace=TEXT,
    schemaSpace=TEXT,
    documentation=TEXT,
    serviceVersion=TEXT,
    logo=TEXT,
    # names are matched without a token here, so the manifest asks for none
    authentication={"not": {}},
    defaultTypes=some(TYPE, uniqueItems=True),
    view=TEMPLATE,
    feature_view=TEMPLATE,
    preview=record("url", "width", "height", **TEMPLATE["properties"], width=WHOLE, height=WHOLE),
    suggest=record(entity=SUGGEST, property=SUGGEST, type=SUGGEST),
    extend=record(propose_properties=PLACE, property_settings=some({"oneOf": [*SETTINGS, SELECT]})),
)
VALUE = {"oneOf": [TEXT, {"type": "number"}, {"type": "boolean"}, record("id", id=TEXT, name=TEXT)]}
QUERIES = {
    "type": "object",
    "additionalProperties": {
        **record(
            closed=True,
            query=TEXT,
            type={"oneOf": [TEXT, some(TEXT)]},
            limit={"type": "number"},
            properties=some(record("pid", "v", pid=TEXT, v={"oneOf": [VALUE, some(VALUE)]})),
            type_strict={"enum": ["any", "should", "all"]},
        ),
        "anyOf": [
            {"required": ["query"]},
            {"required": ["properties"], "properties": {"properties": {"minItems": 1}}},
        ],
    },
}
EXTENSION = record(
    *("ids", "properties"),
    ids=some(TEXT),
    properties=some(record("id", id=TEXT, settings={"type": "object"})),
)
FEATURE = record(id=TEXT, value={"type": ["boolean", "number"]})
CANDIDATE = record(
    *("id", "name", "score"),
    id=TEXT,
    name=TEXT,
    description=TEXT,
    score={"type": "number"},
    features=some(FEATURE),
    match={"type": "boolean"},
    type=some(TYPED),
)
RESULTS = {
    "type": "object",
    "additionalProperties": record("result", result=some(CANDIDATE)),
}
SUGGESTED = {
    "entity": record("id", "name", id=TEXT, name=TEXT, description=TEXT, notable=some(TYPED)),
    "property": record("id", "name", id=TEXT, name=TEXT, description=TEXT),
    "type": TYPE,
}
DAY = r"(1[0-2]|0[1-9])-(3[01]|0[1-9]|[12]\d)"
HOUR = r"(2[0-3]|[01]\d):[0-5]\d"
MOMENT = rf"^-?([1-9]\d*)?\d{{4}}-{DAY}T{HOUR}:[0-5]\d(\.\d+)?(Z|[+-]{HOUR})?$"
CELL = {
    "oneOf": [
        record(closed=True),
        record("id", "name", closed=True, id=TEXT, name=TEXT, description=TEXT),
        record("str", closed=True, str=TEXT),
        record("float", closed=True, float={"type": "number"}),
        record("int", closed=True, int=WHOLE),
        record("date", closed=True, date={"type": "string", "pattern": MOMENT}),
    ]
}
COLUMN = record(
    *("id", "name"),
    id=TEXT,
    name=TEXT,
    type=record("id", id=TEXT, name=TEXT),
    service={"type": "string", "format": "uri", "pattern": "^https?://"},
)
EXTENDED = record(
    *("rows", "meta"),
    meta=some(COLUMN),
    rows={
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": some(CELL)},
    },
)


@pytest.fixture(scope="module")
def client(portal: Portal) -> FlaskClient:
    return portal.client()


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    validator = Draft7Validator({**schema, "$defs": {"type": TYPE}}, validate_formats=True)
    return [error.message for error in validator.iter_errors(value)]


def checked(value: Any, schema: dict[str, Any]) -> Any:
    assert faults(value, schema) == []
    return value


def candidates(
    client: FlaskClient, query: dict[str, Any] | str, start: str = "/reconcile"
) -> list[dict[str, Any]]:
    """The candidates for one query."""
    query = {"query": query} if isinstance(query, str) else query
    batch = checked({"q0": query}, QUERIES)
    answer = client.post(start, data={"queries": json.dumps(batch)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = checked(answer.get_json(), RESULTS)["q0"]["result"]
    return found


def certain(client: FlaskClient, query: dict[str, Any] | str) -> list[str]:
    return [found["id"] for found in candidates(client, query) if found["match"]]


@pytest.mark.parametrize(
    ("schema", "changed"),
    [
        (MANIFEST, {"view": "http://localhost/{{id}}"}),
        (MANIFEST, {"view": {"url": "http://localhost/{id}"}}),
        (MANIFEST, {"feature_view": {}}),
        (MANIFEST, {"preview": []}),
        (MANIFEST, {"logo": 1}),
        (MANIFEST, {"suggest": {"entity": {"flyout_service_path": "/flyout"}}}),
        (MANIFEST, {"extend": {"property_settings": [{"type": "number"}]}}),
        (MANIFEST, {"defaultTypes": [{"id": "a", "name": "A", "broader": [{"id": "b"}]}]}),
        (MANIFEST, {"defaultTypes": [{"id": "a", "name": "A", "description": 1}]}),
        (QUERIES, {"q0": {"query": "a", "elsewhere": 1}}),
        (QUERIES, {"q0": {"properties": []}}),
        (RESULTS, {"q0": {"result": [{"id": "a", "name": "A", "score": "1"}]}}),
        (EXTENDED, {"meta": [{"id": "a", "name": "A", "service": "elsewhere"}]}),
        (EXTENDED, {"rows": {"a": {"b": [{"str": "x", "id": "y"}]}}}),
        (EXTENDED, {"rows": {"a": {"b": [{"date": "2017-03-01"}]}}}),
        (EXTENDED, {"rows": {"a": {"b": [{"date": "2017-03-01T00:00:00 of spring"}]}}}),
    ],
)
def test_the_schemas_refuse_what_those_of_the_specification_refuse(
    client: FlaskClient, schema: dict[str, Any], changed: dict[str, Any]
) -> None:
    right: dict[str, Any] = {}
    if schema is MANIFEST:
        right = client.get("/reconcile").get_json()
    elif schema is EXTENDED:
        right = {"meta": [], "rows": {}}
    assert faults(right, schema) == []
    assert faults({**right, **changed}, schema)


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


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True, None, 1e300])
def test_a_limit_is_a_positive_integer_as_the_specification_says(
    client: FlaskClient, limit: object
) -> None:
    """Version 0.2, Structure of a Reconciliation Query: "must be a positive integer"."""
    batch = json.dumps({"q0": {"query": "Denmark", "limit": limit}})
    answer = client.post("/reconcile", data={"queries": batch})
    assert answer.status_code == 400
    assert "positive whole number" in answer.get_json()["detail"]
    assert len(candidates(client, {"query": "Denmark", "limit": 1.0})) == 1


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
        schema = record("result", result=some(SUGGESTED[what]))
        return [found["id"] for found in checked(answer.get_json(), schema)["result"]]

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
    asked = checked({"ids": [MARKET, stage, "nothing"], "properties": properties}, EXTENSION)
    query = json.dumps(asked)
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
