"""Every form of a missing value, on the pages and in the data of their charts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.model.files import files
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.web.conftest import tiny_world

BROWSER = {"Accept": "text/html"}

# What an installation writes that withholds counts: its own question of the name, with a rule.
RULES = {
    "claimed-and-supported": ("claimed below 2, with supported", "?rank ?stage"),
    "barriers-by-stage": (
        "initiatives below 2, within stage, with unresolved, secondary",
        "?rank ?stage ?barrierLabel ?barrier",
    ),
    "barriers-overall": (
        "initiatives below 2, with unresolved, secondary",
        "?barrierLabel ?barrier",
    ),
    "completeness-by-organisation": ("withoutStage below 5", "?organisationLabel ?organisation"),
    "learning-flows-by-direction": (
        "feedForward below 5",
        "?organisationLabel ?organisation ?year",
    ),
}


@pytest.fixture(scope="module")
def withholding(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> FlaskClient:
    """The tiny world where some questions of the model withhold counts below 2 or 5."""
    own = tmp_path_factory.mktemp("own")
    questions = files("queries") / "questions"
    for name, (rule, order) in RULES.items():
        text = (questions / f"{name}.rq").read_text(encoding="utf-8")
        text = text.replace("#+ key:", f"#+ small-counts: {rule}\n#+ key:")
        changed = re.sub(r"(?m)^ORDER BY .*$", f"ORDER BY {order}", text)
        (own / f"{name}.rq").write_text(changed, encoding="utf-8")
        chart = questions / f"{name}.vl.json"
        if chart.exists():
            (own / chart.name).write_bytes(chart.read_bytes())
    return create_app(tiny_world(checkout), Settings(queries=own)).test_client()


@pytest.fixture
def told(withholding: FlaskClient) -> Callable[[str], str]:
    def text(address: str) -> str:
        response = withholding.get(address, headers=BROWSER)
        assert response.status_code == 200, address
        return response.text

    return text


def test_every_form_of_a_missing_value_is_seen_on_a_page(told: Callable[[str], str]) -> None:
    first = told("/")
    for form in (">0<", ">[c]</a>", ">[z]</span>"):
        assert form in first, form
    by_stage = told("/barriers")
    for form in (">[x]</span>", ">[c]</a>", ">[z]</span>"):
        assert form in by_stage, form


def test_the_data_of_a_drawn_chart_tells_each_form_apart(told: Callable[[str], str]) -> None:
    bars = re.findall(r'data-claimed="(\w+)" data-supported="(\w+)"', told("/"))
    assert {"0", "c", "z"} <= {value for bar in bars for value in bar}
    cells = re.findall(r'<td class="none" data-missing="(\w)">', told("/barriers"))
    assert {"x", "c", "z"} == set(cells)


def test_a_withheld_count_leads_to_its_question(told: Callable[[str], str]) -> None:
    links = re.findall(r'data-missing="c" href="([^"]+)"', told("/"))
    assert links
    assert all(link.startswith("/queries/") for link in links)


@pytest.mark.parametrize("address", ["/", "/barriers", "/barriers/lack-of-funding", "/enablers"])
def test_the_key_explains_the_marks_that_occur_and_no_others(
    told: Callable[[str], str], address: str
) -> None:
    text = told(address)
    for section in re.findall(r"<section.*?</section>", text, re.DOTALL):
        for key in re.findall(r'<p class="key"><strong>.*?</p>', section, re.DOTALL):
            explained = set(re.findall(r"\[(\w)\]", key))
            assert explained <= set(re.findall(r'data-missing="(\w)"', text))
            assert set(re.findall(r'data-missing="(\w)"', section)) <= explained


@pytest.mark.parametrize("language", ["", "/da", "/de"])
def test_a_view_over_withheld_counts_is_a_page(withholding: FlaskClient, language: str) -> None:
    for view in (
        "/",
        "/barriers",
        "/barriers?show=share",
        "/pathways",
        "/compare?country=DNK",
        "/organisations/north-city",
        "/compare",
    ):
        assert withholding.get(f"{language}{view}", headers=BROWSER).status_code == 200, view


def test_a_sum_with_a_withheld_part_is_withheld(told: Callable[[str], str]) -> None:
    learning = told("/organisations/north-city").partition('id="learning"')[2]
    assert learning.partition("</section>")[0].count("[c]") >= 1


def test_a_chart_of_a_question_holds_withheld_counts_apart_from_zero(
    withholding: FlaskClient,
) -> None:
    spec = json.loads(withholding.get("/queries/barriers-by-stage.vega").data)
    rows = spec["data"]["values"]
    withheld = [row for row in rows if row.get("missing")]
    assert withheld
    for row in withheld:
        assert row["initiatives"] is None
        assert row["missing"]["initiatives"] == "c"
    drawn = withholding.get("/queries/barriers-by-stage.svg").text
    assert "null" not in drawn
    assert "NaN" not in drawn
