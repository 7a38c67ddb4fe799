"""The page of the questions: found by words and tags, counted and grouped."""

import pytest
from flask.testing import FlaskClient

from coprod_kg.queries.library import load


def names(client: FlaskClient, **asked: object) -> list[str]:
    found = client.get("/queries", query_string={"format": "json", **asked}).get_json()
    return [one["name"] for one in found["queries"]]


def test_all_words_of_a_search_must_be_there_in_any_case(client: FlaskClient) -> None:
    both = names(client, q="BARRIER  stall")
    assert "barriers-where-pilots-stall" in both
    assert set(both) <= set(names(client, q="barrier")) & set(names(client, q="stall"))
    assert names(client, q="barrier no-such-word-anywhere") == []


def test_tags_are_joined_by_and(client: FlaskClient) -> None:
    both = names(client, tag=["stage", "time"])
    assert both == [one.name for one in load().values() if {"stage", "time"} <= set(one.tags)]
    assert both


def test_without_a_search_every_question_is_listed_once(client: FlaskClient) -> None:
    assert names(client) == list(load())
    page = client.get("/queries?format=html").text
    assert f"Search the {len(load())} questions" in page
    for name in load():
        assert page.count(f'href="/queries/{name}"') == 1


def test_the_page_says_how_many_were_found_and_leads_back(client: FlaskClient) -> None:
    page = client.get("/queries?format=html&q=barrier&tag=stage").text
    number = len(names(client, q="barrier", tag="stage"))
    assert f"{number} of {len(load())} questions with “barrier” on stage." in page
    assert '<a href="/queries">All questions</a>' in page


@pytest.mark.parametrize("words", ['"><script>', "&tag=x", "%00", "é" * 500])
def test_a_hostile_search_finds_nothing_and_breaks_nothing(client: FlaskClient, words: str) -> None:
    response = client.get("/queries", query_string={"format": "html", "q": words})
    assert response.status_code == 200
    assert "<script" not in response.text
    assert "No question holds all of that." in response.text
