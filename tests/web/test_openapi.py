"""One document describes the whole interface, and a page shows it."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from coprod_kg.model.schemes import schemes
from coprod_kg.queries.library import load
from coprod_kg.web.openapi import QUERY, described


@pytest.fixture(scope="session")
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    OPENAPI_31_VALIDATOR.validate(document)


def test_every_route_is_in_the_document_and_nothing_else(
    app: Flask, document: dict[str, Any]
) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if rule.endpoint == QUERY:
                routes |= {(path.replace("{name}", name), method) for name in load()}
            else:
                routes.add((path, method))
    told = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert told == routes


def test_every_route_is_described_and_nothing_that_is_none(app: Flask) -> None:
    keys = set()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            named = method == "GET" or method in rule.endpoint
            keys.add(rule.endpoint if named else f"{rule.endpoint} {method}")
    assert described().keys() - {"parameters"} == keys - {QUERY}


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    for pointer in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found: Any = document
        for part in pointer.split("/"):
            found = found[part]
        assert found


def test_parameters_of_a_question_are_typed(document: dict[str, Any]) -> None:
    for name, query in load().items():
        taken = document["paths"][f"/queries/{name}"]["get"]["parameters"]
        by_name = {one["name"]: one for one in taken}
        for one in query.parameters:
            schema = by_name[one.name]["schema"]
            if schema.get("type") == "array":
                assert by_name[one.name]["explode"] is True
            written = json.dumps(schema)
            assert (f"schemas/scheme-{one.scope}" in written) == (one.type == "concept")
    stages = document["components"]["schemas"]["scheme-stage"]["enum"]
    assert stages == list(schemes()["stage"].concepts)


def test_every_answer_leads_to_the_document_and_its_page(client: FlaskClient) -> None:
    for path in ("/", "/queries", "/sparql?query=ASK{}", "/nothing", "/id/initiative/alpha"):
        links = ", ".join(client.get(path).headers.getlist("Link"))
        assert '</openapi.json>; rel="service-desc"' in links
        assert '</docs>; rel="service-doc"' in links


def test_the_page_shows_every_operation_without_scripts(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    response = client.get("/docs")
    assert "<script" not in response.text
    for path in document["paths"]:
        assert f"<code>{path}</code>" in response.text
    assert response.text.count("<pre") == sum(len(item) for item in document["paths"].values())
    again = client.get("/docs", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_the_examples_of_questions_get_an_answer(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    for path, item in document["paths"].items():
        if path.startswith("/queries/") and "{" not in path:
            taken = item["get"]["parameters"]
            given = {one["name"]: one["example"] for one in taken if "example" in one}
            response = client.get(f"{path}.csv", query_string=given)
            assert response.status_code == 200, response.text
