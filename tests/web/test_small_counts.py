"""A saved query that withholds small counts does so on every road by which it is answered."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from coprod_kg.errors import NotAcceptable
from coprod_kg.formats.table import SUPPRESSED
from coprod_kg.queries.library import load
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.queries.suppression import MARK
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Store
from coprod_kg.web import create_app

QUERY = """#+ summary: How many people used each offer?
#+ description: One row for each offer.
#+ tags: test
#+ param country: string | Only there.
#+ column country: Where.
#+ column offer: The offer.
#+ column users: Those who used it.
#+ unit users: people
#+ key: offer
#+ small-counts: users below 5, within country
SELECT ?country ?offer ?users
WHERE {
  VALUES ?country { UNDEF }
  ?offer <urn:country> ?country ; <urn:users> ?users .
}
ORDER BY ?country ?offer
"""
CHART = {
    "mark": "bar",
    "encoding": {
        "x": {"field": "users", "type": "quantitative"},
        "y": {"field": "offer", "type": "nominal"},
    },
}
NAME = "users-by-offer"
FORMATS = ("json", "xml", "csv", "tsv", "html", "xlsx", "svg", "png", "vega")


def data(**counts: int) -> bytes:
    kind = "<http://www.w3.org/2001/XMLSchema#integer>"
    lines = []
    for name, count in counts.items():
        lines.append(f'<urn:{name}> <urn:country> "{name[:2].upper()}" .\n')
        lines.append(f'<urn:{name}> <urn:users> "{count}"^^{kind} .\n')
    return "".join(lines).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.mktemp("own")
    (own / f"{NAME}.rq").write_text(QUERY)
    (own / "all-small.rq").write_text(QUERY.replace("below 5", "below 1000"))
    for name in (NAME, "all-small"):
        (own / f"{name}.vl.json").write_text(json.dumps(CHART))
    return own


@pytest.fixture(scope="module")
def home(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("data") / "data", queries=folder)


@pytest.fixture(scope="module")
def store(home: Settings) -> Iterator[Store]:
    """Two versions: in the second one more person uses a service of Denmark."""
    with local.connect(home, create=True) as store:
        graph = {"sea": 646, "seb": 41, "sec": 3, "sed": 0, "dka": 7}
        store.commit(Change(replace={"urn:g": data(**graph)}))
        store.commit(Change(replace={"urn:g": data(**graph | {"dka": 8})}))
        yield store


@pytest.fixture(scope="module")
def client(store: Store, home: Settings) -> FlaskClient:
    return create_app(store, home).test_client()


def rows(client: FlaskClient, tail: str = "") -> list[list[str]]:
    body = client.get(f"/queries/{NAME}.csv{tail}").get_data(as_text=True)
    return list(csv.reader(io.StringIO(body)))[1:]


ALL = [
    ["DK", "urn:dka", "8"],
    ["SE", "urn:sea", "646"],
    ["SE", "urn:seb", MARK],
    ["SE", "urn:sec", MARK],
    ["SE", "urn:sed", "0"],
]


def test_small_counts_and_what_would_give_them_away_are_marked(client: FlaskClient) -> None:
    assert rows(client) == ALL
    assert rows(client, "?country=SE") == ALL[1:]


@pytest.mark.parametrize("form", ["json", "xml", "csv", "tsv", "html", "vega", "svg"])
def test_no_format_has_a_withheld_count(client: FlaskClient, form: str) -> None:
    response = client.get(f"/queries/{NAME}.{form}?country=SE")
    assert response.status_code == 200
    text = response.get_data(as_text=True)
    assert ">41<" not in text
    assert '"41"' not in text
    assert "\t41\n" not in text
    assert ",41" not in text
    assert "41," not in text


def test_json_and_xml_mark_with_a_datatype_of_its_own(client: FlaskClient) -> None:
    told = client.get(f"/queries/{NAME}.json").get_json()["results"]["bindings"]
    mark = {"type": "literal", "value": MARK, "datatype": SUPPRESSED}
    assert [row["users"] == mark for row in told] == [False, False, True, True, False]
    body = client.get(f"/queries/{NAME}.xml").get_data(as_text=True)
    assert body.count(f'<literal datatype="{SUPPRESSED}">{MARK}</literal>') == 2
    body = client.get(f"/queries/{NAME}.tsv").get_data(as_text=True)
    assert body.count(f'"{MARK}"^^<{SUPPRESSED}>') == 2


def test_a_workbook_has_the_mark_as_text_and_the_rule(client: FlaskClient) -> None:
    book = load_workbook(io.BytesIO(client.get(f"/queries/{NAME}.xlsx").data))
    assert [row[2] for row in book["Rows"].values][1:] == [8, 646, MARK, MARK, 0]
    about = {str(name): str(value) for name, value in book["About"].values}
    assert "users below 5, within country" in about["Small counts"]


def test_a_page_explains_the_mark(client: FlaskClient) -> None:
    body = client.get(f"/queries/{NAME}.html").get_data(as_text=True)
    assert len(re.findall(r"<td[^>]*><span>\[c\]</span></td>", body)) == 2
    assert "2 cells are withheld." in body
    assert "neither zero nor unknown" in body


def test_a_chart_holds_withheld_counts_as_such_and_says_so(client: FlaskClient) -> None:
    spec = json.loads(client.get(f"/queries/{NAME}.vega").data)
    values = spec["data"]["values"]
    assert [row["users"] for row in values] == [8, 646, None, None, 0]
    assert [row.get("missing") for row in values][2:4] == [{"users": "c"}] * 2
    told = " ".join(spec["title"]["subtitle"])
    assert "2 rows have a count that is withheld, [c]" in told
    assert "not zero" in told
    assert "2 rows have a count that is withheld, [c]" in spec["description"]


def test_a_chart_of_nothing_but_withheld_counts_does_not_say_that_there_is_none(
    client: FlaskClient,
) -> None:
    spec = json.loads(client.get("/queries/all-small.vega?country=DK").data)
    said = spec["encoding"]["text"]["value"]
    assert "withheld" in said
    assert "No data" not in said + spec["description"]


def test_a_part_is_cut_from_what_is_decided_over_all_rows(client: FlaskClient) -> None:
    apart = [rows(client, f"?limit=1&offset={place}")[0] for place in range(len(ALL))]
    assert apart == ALL
    response = client.get(f"/queries/{NAME}.csv?limit=2&offset=2")
    assert any('rel="prev"' in link for link in response.headers.getlist("Link"))
    assert response.headers["Answer-Rows"] == "2"
    assert response.headers["Small-Counts"] == "users below 5, within country; withheld=2"
    assert "Small-Counts" in response.headers["Access-Control-Expose-Headers"]


def test_every_format_names_the_rule_and_one_hash(client: FlaskClient) -> None:
    seen = set()
    for form in FORMATS:
        headers = client.get(f"/queries/{NAME}.{form}").headers
        assert headers["Small-Counts"] == "users below 5, within country; withheld=2"
        seen.add(headers["Content-SHA256"])
    assert len(seen) == 1


def test_a_citation_says_that_cells_are_withheld(client: FlaskClient) -> None:
    text = client.get(f"/queries/{NAME}/cite.txt").get_data(as_text=True)
    assert "5 rows, 2 cells withheld (small counts: users below 5, within country)" in text
    other = client.get("/queries/initiatives-by-stage/cite.txt").get_data(as_text=True)
    assert "withheld" not in other
    plain = client.get("/queries/initiatives-by-stage.csv")
    assert "Small-Counts" not in plain.headers


def test_a_crate_holds_no_withheld_count(client: FlaskClient) -> None:
    body = client.get(f"/queries/{NAME}.crate.zip?country=SE").data
    with ZipFile(io.BytesIO(body)) as crate:
        files = {name: crate.read(name).decode() for name in crate.namelist()}
    assert files[f"{NAME}.csv"].splitlines()[2:4] == [f"SE,urn:seb,{MARK}", f"SE,urn:sec,{MARK}"]
    for name, text in files.items():
        assert '"41"' not in text, name
        assert ",41\r" not in text, name
    assert "2 cells withheld" in "".join(files.values())


def test_differences_compare_what_is_shown(client: FlaskClient) -> None:
    told = client.get(f"/queries/{NAME}/differences").get_json()
    assert told["added"] == told["removed"] == []
    (changed,) = told["changed"]
    assert changed["cells"]["users"]["to"]["value"] == "8"
    assert changed["cells"]["users"]["from"]["value"] == "7"


@pytest.mark.parametrize("media_type", ["text/csv", "application/sparql-results+json"])
def test_the_road_of_the_command_line_and_the_notebook_withholds_too(
    store: Store, home: Settings, folder: Path, media_type: str
) -> None:
    saved = load(folder)[NAME]
    endpoint = Endpoint.local(store, home, {})
    answer = Question(endpoint, saved, {"country": ["SE"]}).answer((media_type,))
    assert answer.media_type == media_type
    text = answer.read().decode()
    assert text.count(MARK) == 2
    assert "41" not in text.replace(f"{MARK}", "")


def test_rows_are_no_graph_with_a_rule_either(store: Store, home: Settings, folder: Path) -> None:
    with pytest.raises(NotAcceptable):
        Question(Endpoint.local(store, home, {}), load(folder)[NAME], {}).answer(("text/turtle",))


def test_who_holds_an_answer_from_before_the_rule_is_given_the_new_one(
    store: Store, tmp_path: Path, client: FlaskClient
) -> None:
    text = QUERY.replace("#+ small-counts: users below 5, within country\n", "")
    (tmp_path / f"{NAME}.rq").write_text(text)
    before = create_app(store, Settings(queries=tmp_path)).test_client()
    held = before.get(f"/queries/{NAME}.csv")
    assert "41" in held.get_data(as_text=True)
    asked = {"If-None-Match": held.headers["ETag"]}
    assert before.get(f"/queries/{NAME}.csv", headers=asked).status_code == 304
    assert client.get(f"/queries/{NAME}.csv", headers=asked).status_code == 200
