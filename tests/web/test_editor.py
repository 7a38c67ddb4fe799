"""The SPARQL page: its form is complete by itself, and says which words a query can use."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.model.namespaces import prefixes
from coprod_kg.web import sparql
from tests.web.test_pages import BROWSER


def test_without_the_editor_the_form_is_there_and_no_script_may_run(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sparql, "SCRIPT", tmp_path / "editor.js")
    for address in ("/sparql", "/sparql?query=ASK%20%7B%7D"):
        response = client.get(address, headers=BROWSER)
        assert "<textarea" in response.text
        assert "<script" not in response.text
        assert "script-src" not in response.headers["Content-Security-Policy"]


def test_the_editor_may_ask_this_service_only(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparql, "SCRIPT", Path(__file__))
    response = client.get("/sparql", headers=BROWSER)
    assert '<script src="/static/editor.js" defer></script>' in response.text
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)


def test_a_saved_question_stands_in_the_form_to_begin_with(client: FlaskClient) -> None:
    text = client.get("/sparql?example=barriers-overall", headers=BROWSER).text
    assert "SELECT DISTINCT ?barrier ?barrierLabel ?groupLabel" in text
    assert "#+" not in text
    assert client.get("/sparql?example=nothing", headers=BROWSER).status_code == 404


def test_the_words_of_a_query_have_names_meanings_and_what_asks_for_them(
    client: FlaskClient,
) -> None:
    offered = client.get("/sparql/terms").get_json()
    assert offered["prefixes"] == dict(prefixes())
    words = {word["name"]: word for word in offered["words"]}
    assert words["cp:Initiative"]["kind"] == "class"
    assert words["cp:Initiative"]["label"] == "Initiative"
    assert words["cp:runBy"]["kind"] == "property"
    assert words["stage:project"]["kind"] == "concept"
    assert all(name.partition(":")[0] in offered["prefixes"] for name in words)
    assert "cp:barrier" in offered["properties"]["cp:BarrierReport"]
