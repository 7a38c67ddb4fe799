"""The self-assessment over HTTP: the state travels in the form, and whatever comes is answered."""

import io
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PAGE = {"Accept": "text/html"}
START = {"step": "1", "to": "next", "Ask-name": "Memory <b>café</b>", "Ask-stage": "stage:project"}


def hidden(text: str) -> dict[str, str]:
    """The answers that a page carries along."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    return {name: value for name, value in found if name != "step"}


def sent(client: FlaskClient, fields: object, start: str = "") -> TestResponse:
    return client.post(f"{start}/self-assessment", data=fields, headers=PAGE)


@pytest.mark.parametrize(("start", "words"), [("", "Step 2 of 6"), ("/da", "Trin 2 af 6")])
def test_a_step_carries_the_answers_of_the_others(
    client: FlaskClient, start: str, words: str
) -> None:
    answer = sent(client, START, start)
    assert answer.status_code == 200
    assert words in answer.text
    assert hidden(answer.text)["Ask-stage"] == "stage:project"
    assert "Memory &lt;b&gt;café&lt;/b&gt;" in answer.text
    assert "<b>café" not in answer.text


def test_nothing_is_kept_of_an_answer(client: FlaskClient) -> None:
    for to in ("next", "result", "save", "json"):
        answer = sent(client, {**START, "to": to})
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_what_is_wrong_is_told_on_top_and_at_its_field_and_stays(client: FlaskClient) -> None:
    answer = sent(client, {"step": "3", "to": "next", "Ask-start": "last summer"})
    assert answer.status_code == 422
    assert "Step 3 of 6" in answer.text
    assert '<a href="#Ask-start">' in answer.text
    assert 'id="Ask-start-error"' in answer.text
    assert 'aria-describedby=" Ask-start-error"' in answer.text
    assert 'value="last summer"' in answer.text


def test_the_result_waits_until_all_steps_are_mended(client: FlaskClient) -> None:
    answer = sent(client, {"step": "6", "to": "result", "Ask-start": "x", "Ask-name": "a"})
    assert answer.status_code == 422
    assert "Step 3 of 6" in answer.text


def test_the_result_is_a_page_and_json(client: FlaskClient) -> None:
    page = sent(client, {**START, "to": "result"})
    assert page.status_code == 200
    assert "Three next steps" in page.text
    told = sent(client, {**START, "to": "json"}).get_json()
    assert told["assessment"]["claims"][0]["stage"].endswith("/project")
    assert told["nextSteps"][0]["kind"] == "target"
    assert ["Ask-stage", "stage:project"] in told["answers"]


def test_a_saved_file_opens_again(client: FlaskClient) -> None:
    saved = sent(client, {**START, "to": "save"})
    assert saved.mimetype == "text/turtle"
    file = (io.BytesIO(saved.get_data()), "mine.ttl")
    again = sent(client, {"to": "open", "file": file}, "/de")
    assert again.status_code == 200
    assert 'value="Memory &lt;b&gt;café&lt;/b&gt;"' in again.text
    assert "wieder geöffnet" in again.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"step": "nonsense", "to": "9999"}, 200),
        ({"to": "open"}, 422),
        ({"step": "1", "to": "next", "Ask-stage": "stage:<script>alert(1)</script>"}, 422),
        ({"step": "2", "to": "next", "made-up": "'><script>"}, 422),
        ({"step": "4", "to": "1", "Ask-name": ["a", "b"]}, 200),
        ({"step": "1", "to": "next", "Ask-name": "x" * 70_000}, 413),
        ({"step": "1", "to": "save", "Ask-name": "=cmd|' /C calc'!A0"}, 200),
        ({"step": "5", "to": "find", "find": "<script>" * 100}, 200),
        ({"step": "1", "to": "result", "Ask-runner": "\u202e\ud7ff\U0010ffff../../etc"}, 200),
    ],
)
def test_hostile_forms_end_in_a_clear_answer(
    client: FlaskClient, fields: dict[str, object], status: int
) -> None:
    answer = sent(client, fields)
    assert answer.status_code == status
    assert "<script>" not in answer.text
    assert "Traceback" not in answer.text
