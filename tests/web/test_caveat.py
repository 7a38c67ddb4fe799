"""The caveat is in every download and on every page of which it is true, and on no other."""

import json
import xml.etree.ElementTree as ET
import zipfile
from io import BytesIO

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.caveat import CAVEAT, caveat

BASIS = "https://w3id.org/coprod/vocab/basis/"
CODED, ADJUDICATED, OWN = (
    Cell("uri", BASIS + name) for name in ("secondary-coding", "adjudicated-coding", "self-claim")
)
ONE = "/queries/initiatives-at-stage"
BROWSER = {"Accept": "text/html"}


def text_of(client: FlaskClient, address: str) -> str:
    """What a download says, with the blanks and line ends of its format made one blank."""
    data = client.get(address).data
    if address.partition("?")[0].endswith(".xlsx"):
        rows = load_workbook(BytesIO(data))["About"].values
        return " ".join(str(cell) for row in rows for cell in row)
    if ".crate" in address:
        with zipfile.ZipFile(BytesIO(data)) as crate:
            document = json.loads(crate.read("ro-crate-metadata.json"))
        [root] = [one for one in document["@graph"] if one["@id"] == "./"]
        return f"{root['description']} {root['creditText']}"
    return " ".join(data.decode().split())


@pytest.mark.parametrize("basis", ["Secondary coding", "Sekundær kodning", "Sekundärcodierung"])
def test_a_basis_that_is_named_by_its_label_alone_counts(basis: str) -> None:
    rows = ({"basis": Cell("literal", basis)}, {"basis": Cell("literal", "Self-claim")})
    assert caveat(Table(("basis",), rows), None) == f"{CAVEAT}: this holds for 1 of the 2 rows."


@pytest.mark.parametrize("form", ["json", "csv", "tsv", "xml", "excel.csv", "xlsx", "crate.zip"])
def test_the_header_of_each_download_says_it(client: FlaskClient, form: str) -> None:
    response = client.get(f"{ONE}.{form}?stage=pilot-project")
    assert response.headers["Answer-Caveat"] == f"{CAVEAT}: this holds for every row."
    assert "Answer-Caveat" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "address",
    [
        f"{ONE}.xlsx?stage=pilot-project",
        f"{ONE}.crate.zip?stage=pilot-project",
        f"{ONE}.xml?stage=pilot-project",
        f"{ONE}.excel.csv?stage=pilot-project",
        f"{ONE}/cite?stage=pilot-project",
        f"{ONE}/cite.bib?stage=pilot-project",
        f"{ONE}/cite.csl.json?stage=pilot-project",
        "/queries/initiatives-by-stage.vega",
        "/queries/stages-by-sector.vega",
    ],
)
def test_what_is_taken_away_says_it_itself(client: FlaskClient, address: str) -> None:
    assert CAVEAT in text_of(client, address)


def test_xml_with_the_caveat_is_read_as_before_and_leads_to_the_citation(
    client: FlaskClient,
) -> None:
    response = client.get(f"{ONE}.xml?stage=pilot-project")
    assert response.content_length == len(response.data)
    rows = ox.parse_query_results(response.data, ox.QueryResultsFormat.XML)
    plain = client.get(f"{ONE}.json?stage=pilot-project").json
    assert isinstance(rows, ox.QuerySolutions)
    assert plain is not None
    assert len(list(rows)) == len(plain["results"]["bindings"]) > 0
    spaces = {"s": "http://www.w3.org/2005/sparql-results#"}
    link = ET.fromstring(response.data).find("s:head/s:link", spaces)
    assert link is not None
    assert [link.get("href")] == plain["head"]["link"]


@pytest.mark.parametrize("form", ["ttl", "nt", "rdf", "jsonld"])
def test_a_graph_with_the_caveat_is_read_as_before(client: FlaskClient, form: str) -> None:
    response = client.get(f"/doc/initiative/alpha.{form}")
    assert CAVEAT in response.headers["Answer-Caveat"]
    assert (CAVEAT in response.text) == (form != "jsonld")
    assert response.content_length == len(response.data)
    found = ox.RdfFormat.from_media_type(response.mimetype or "")
    assert found
    assert len(list(ox.parse(response.data, found))) > 0


def test_a_picture_says_it(client: FlaskClient) -> None:
    text = client.get("/queries/initiatives-by-stage.svg").text
    assert "not confirmed by the" in text


def test_a_page_says_it_of_its_own_claims(client: FlaskClient) -> None:
    alpha = client.get("/page/initiative/alpha", headers=BROWSER).text
    assert "16 of the 17 claims here" in alpha
    own = client.get("/page/organisation/north-city", headers=BROWSER).text
    assert CAVEAT not in own
    rows = client.get(f"{ONE}?stage=pilot-project", headers=BROWSER).text
    assert f"{CAVEAT}: this holds for every row." in rows


def test_json_leads_to_the_citation_that_says_it(client: FlaskClient) -> None:
    head = client.get(f"{ONE}.json?stage=pilot-project").json["head"]  # type: ignore[index]  # it is JSON
    [link] = head["link"]
    assert head["vars"][0] == "initiative"
    assert CAVEAT in text_of(client, link)
    measured = [client.get(f"{ONE}.{form}?stage=pilot-project") for form in ("json", "csv")]
    assert len({answer.headers["Content-SHA256"] for answer in measured}) == 1
    for answer in measured:
        assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize("form", ["ttl", "nt", "rdf", "jsonld"])
def test_a_document_of_a_thing_says_it_of_its_own_claims(client: FlaskClient, form: str) -> None:
    alpha = client.get(f"/doc/initiative/alpha.{form}").headers
    assert (
        alpha["Answer-Caveat"] == f"{CAVEAT}: this holds for 16 of the 17 claims about this thing."
    )
    assert "Answer-Caveat" not in client.get(f"/doc/organisation/north-city.{form}").headers


@pytest.mark.parametrize("path", ["/", "/barriers", "/pathways", "/queries/barriers-overall"])
def test_a_page_that_counts_says_that_cases_are_no_sample(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=BROWSER, follow_redirects=True)
    assert page.status_code == 200
    assert "no sample of the world" in page.text


SELECTED = "SELECT ?basis WHERE { ?claim <https://w3id.org/coprod/ontology#basis> ?basis }"
CONSTRUCTED = "CONSTRUCT WHERE { ?claim <https://w3id.org/coprod/ontology#basis> ?basis }"


@pytest.mark.parametrize(
    ("query", "form"),
    [(SELECTED, form) for form in ("json", "csv", "tsv", "xml")]
    + [(CONSTRUCTED, form) for form in ("ttl", "nt", "rdf", "jsonld")],
)
def test_any_query_says_it_where_its_answer_names_the_basis(
    client: FlaskClient, query: str, form: str
) -> None:
    said = f"{CAVEAT}: this holds where the answer names that basis."
    answer = client.get("/sparql", query_string={"query": query, "format": form})
    assert answer.headers["Answer-Caveat"] == said
    assert len(answer.data) == int(answer.headers["Content-Length"])
    assert said in client.get("/sparql", query_string={"query": query}, headers=BROWSER).text
    other = {"query": "SELECT * { ?s a <urn:nothing> }"}
    assert "Answer-Caveat" not in client.get("/sparql", query_string=other).headers


def table(*bases: Cell | None) -> Table:
    rows = tuple({} if one is None else {"basis": one} for one in bases)
    return Table(("thing", "basis"), rows)


def test_it_names_the_column_by_the_heading_where_the_reader_sees_one(client: FlaskClient) -> None:
    path = "/queries/barriers-overall"
    heading = f"{CAVEAT}: the column “By secondary coding” says of how much this holds."
    page = client.get(path, headers=BROWSER)
    assert ">By secondary coding" in page.text
    assert heading in page.text
    assert (
        "kolonnen »Ved sekundær kodning« siger"
        in client.get(f"{path}?lang=da", headers=BROWSER).text
    )
    sheet = load_workbook(BytesIO(client.get(f"{path}.xlsx").data)).worksheets[1]
    assert heading in [cell.value for row in sheet.iter_rows() for cell in row]
    excel = client.get(f"{path}.excel.csv?lang=da")
    for answer in (excel, client.get(f"{path}.csv")):
        assert "secondary" in answer.text.splitlines()[0]
        assert "the column secondary says" in answer.headers["Answer-Caveat"]
    assert "kolonnen »secondary« siger" in excel.text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (table(CODED, ADJUDICATED), f"{CAVEAT}: this holds for every row."),
        (table(CODED, OWN, None), f"{CAVEAT}: this holds for 1 of the 3 rows."),
        (table(OWN, None), ""),
        (table(), ""),
        (
            Table(("oneBasis", "otherBasis"), ({"oneBasis": OWN, "otherBasis": CODED},)),
            f"{CAVEAT}: this holds for every row.",
        ),
        (
            Table(("secondary",), ({"secondary": Cell("literal", "2")},)),
            f"{CAVEAT}: the column secondary says of how much this holds.",
        ),
        (Table(("secondary",), ({"secondary": Cell("literal", "0")},)), ""),
        (
            Table(("n",), ({"n": Cell("literal", "1")},)),
            f"{CAVEAT}: this holds for 3 of the 5 claims in the dataset.",
        ),
        (Table(("n",), ()), ""),
        (Table((), (), True), f"{CAVEAT}: this holds for 3 of the 5 claims in the dataset."),
    ],
)
def test_it_is_said_of_the_rows_at_hand(rows: Table, said: str) -> None:
    assert caveat(rows, (3, 5)) == said
    if "dataset" in said:
        assert caveat(rows, (0, 5)) == caveat(rows, None) == ""


def test_an_empty_answer_tells_which_thing_the_data_do_not_mention(client: FlaskClient) -> None:
    path = "/queries/initiatives-of-organisation"
    said = "The data do not mention organisation/nowhere: look its identifier up by its name."
    for form in ("json", "csv", "xml"):
        answer = client.get(f"{path}.{form}?organisation=nowhere")
        assert answer.headers["Answer-Caveat"] == said
        there = client.get(f"{path}.{form}?organisation=north-city")
        assert "do not mention" not in there.headers.get("Answer-Caveat", "")
    assert said in client.get(f"{path}?organisation=nowhere", headers=BROWSER).text
    danish = client.get(f"{path}?organisation=nowhere&lang=da", headers=BROWSER)
    assert "Data nævner ikke organisation/nowhere" in danish.text
    assert "Answer-Caveat" in client.get(f"{path}.csv?organisation=nowhere&lang=da").headers
    odd = client.get(f"{path}.csv?organisation=http://example.org/%C3%A9")
    assert "http://example.org/%C3%A9" in odd.headers["Answer-Caveat"]
