"""An answer taken away as an RO-Crate, read back with the reference library."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from rocrate.rocrate import ROCrate  # type: ignore[import-untyped]  # it has no types

from coprod_kg.cli.query import query as query_command
from coprod_kg.formats.table import Cell, Table, read_table
from coprod_kg.model.namespaces import LICENCE
from coprod_kg.queries.citation import Citation, canonical, cite
from coprod_kg.queries.content_hash import content_of_graph, content_of_table, relabelled
from coprod_kg.queries.crate import crate
from coprod_kg.queries.derived import AskedQuery, as_csv, crate_files
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.settings import Settings
from coprod_kg.store.identity import Identity
from coprod_kg.store.local import connect

INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
DERIVED = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
NAME = "initiatives-by-stage"


def rows() -> bytes:
    bindings = [
        {
            "stage": {"type": "uri", "value": "https://w3id.org/coprod/vocab/stage/pilot"},
            "stageLabel": {"type": "literal", "value": 'pilot, "first"\nline', "xml:lang": "en"},
            "initiatives": {"type": "literal", "value": "3", "datatype": INTEGER},
        }
    ]
    names = list(bindings[0])
    return json.dumps({"head": {"vars": names}, "results": {"bindings": bindings}}).encode()


def taken(name: str = NAME, **values: list[str]) -> tuple[bytes, Citation, SavedQuery]:
    query = load()[name]
    files = crate_files(AskedQuery(query, values, 7), rows())
    place = ("https://example.org/", 7, "0a1b2c3d", DERIVED)
    content = content_of_table(read_table(rows()))
    citation = cite(query, canonical(query, values), content, place)
    bound = query.bind(values, "https://w3id.org/coprod/")
    return crate(citation, query, bound, files), citation, query


def unpacked(data: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        file.extractall(folder)
    return folder


def test_the_reference_library_reads_all_of_it_back(tmp_path: Path) -> None:
    data, citation, query = taken("initiatives-at-stage", stage=["project"])
    found = ROCrate(unpacked(data, tmp_path))
    root = found.root_dataset
    assert found.version == "1.2"
    assert root["name"] == query.summary
    assert root["datePublished"] == DERIVED.isoformat()
    assert root["license"].id == LICENCE
    assert root["version"] == "7"
    assert root["cite-as"] == citation.link == root["url"]
    digests = {one.id: one["value"] for one in root["identifier"]}
    assert digests == {"#content": citation.sha256, "#query": citation.query_sha256}
    (action,) = [one for one in found.contextual_entities if one.type == "CreateAction"]
    (parameter,) = [one for one in action["object"] if one.type == "PropertyValue"]
    assert (parameter["name"], parameter["value"]) == ("stage", "project")
    assert action["instrument"].id == "initiatives-at-stage.rq"
    names = {one.id for one in found.data_entities}
    assert names == {path.name for path in tmp_path.iterdir()} - {"ro-crate-metadata.json"}
    for one in found.data_entities:
        content = (tmp_path / one.id).read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == str(len(content))


def test_it_holds_data_queries_chart_and_citations(tmp_path: Path) -> None:
    data, citation, query = taken()
    folder = unpacked(data, tmp_path)
    with (folder / f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1][1] == 'pilot, "first"\nline'
    assert (folder / f"{NAME}.json").read_bytes() == rows()
    assert (folder / f"{NAME}.rq").read_text() == query.text
    assert (folder / f"{NAME}.bound.rq").is_file()
    assert "<svg" in (folder / f"{NAME}.svg").read_text()
    assert "vega-lite" in json.loads((folder / f"{NAME}.vl.json").read_text())["$schema"]
    assert citation.sha256 in (folder / "CITATION.txt").read_text()
    assert (folder / "CITATION.bib").read_text().startswith("@misc{")
    assert json.loads((folder / "CITATION.csl.json").read_text())[0]["version"] == "7"


def test_every_name_in_the_metadata_is_explained_there(tmp_path: Path) -> None:
    folder = unpacked(taken("initiatives-at-stage", stage=["project"])[0], tmp_path)
    document = json.loads((folder / "ro-crate-metadata.json").read_text())
    known = {one["@id"] for one in document["@graph"]}
    assert len(known) == len(document["@graph"])

    def named(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(named, value))
        return {str(value["@id"])} if isinstance(value, dict) else set()

    used = {name for one in document["@graph"] for value in one.values() for name in named(value)}
    assert used - known == {"https://w3id.org/ro/crate/1.2"}


def test_the_same_answer_gives_the_same_bytes_whenever_it_is_taken() -> None:
    first, citation, _ = taken()
    again, later, _ = taken()
    assert later.retrieved != citation.retrieved
    assert first == again
    assert b"retrieved" not in first


def test_a_truth_value_and_unbound_cells_are_csv_too() -> None:
    assert as_csv(Table((), (), True)) == b"answer\r\ntrue\r\n"
    table = Table(("a", "b"), ({"b": Cell("bnode", "x")},))
    assert as_csv(table) == b"a,b\r\n,_:x\r\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('_:a <urn:p> _:b .\n_:b <urn:q> "x" .\n', '_:a <urn:q> "x" .\n_:z <urn:p> _:a .\n'),
        ('_:a <urn:p> "x" .\n_:b <urn:p> "y" .\n', '_:b <urn:p> "x" .\n_:a <urn:p> "y" .\n'),
        ("<urn:s> <urn:p> _:a .\n", "<urn:s> <urn:p> _:c14n0 .\n"),
    ],
)
def test_a_graph_is_the_same_whatever_its_blank_nodes_are_called(one: str, other: str) -> None:
    assert content_of_graph(one.encode()) == content_of_graph(other.encode())
    assert relabelled(one.encode()) == relabelled(other.encode())


def test_blank_nodes_of_which_something_else_is_said_are_told_apart() -> None:
    chain = b"_:a <urn:p> _:b .\n_:b <urn:p> _:c .\n"
    loop = b"_:a <urn:p> _:b .\n_:b <urn:p> _:a .\n"
    fork = b"_:a <urn:p> _:b .\n_:a <urn:p> _:c .\n"
    label = b'_:a <urn:p> "_:b" .\n_:b <urn:p> "_:a" .\n'
    assert len({content_of_graph(one).sha256 for one in (chain, loop, fork, label)}) == 4


def test_blank_nodes_that_are_all_alike_take_no_time_worth_naming() -> None:
    names = [f"_:x{number}" for number in range(40)]
    lines = "".join(f"{a} <urn:p> {b} .\n" for a in names for b in names if a != b)
    assert content_of_graph(lines.encode()).rows == 40 * 39


def test_the_command_line_writes_the_same_crate_each_time(tmp_path: Path) -> None:
    with connect(Settings(data=tmp_path / "data"), create=True):
        where = ["--data", str(tmp_path / "data")]
    files = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for file in files:
        asked = [NAME, "-f", "crate", "-o", str(file), *where]
        ran = CliRunner().invoke(query_command, asked, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
    assert files[0].read_bytes() == files[1].read_bytes()
    root = ROCrate(unpacked(files[0].read_bytes(), tmp_path / "crate")).root_dataset
    lineage = Identity.read(tmp_path / "data").lineage
    address = f"http://127.0.0.1:8000/queries/{NAME}?version=1&lineage={lineage}"
    assert root["url"] == address
    assert root["datePublished"].startswith("20")


def test_a_workbook_of_the_command_line_says_how_it_is_cited(tmp_path: Path) -> None:
    with connect(Settings(data=tmp_path / "data"), create=True):
        file = tmp_path / "rows.xlsx"
    asked = [NAME, "-o", str(file), "--data", str(tmp_path / "data")]
    assert CliRunner().invoke(query_command, asked, catch_exceptions=False).exit_code == 0
    told = {
        str(row[0].value): str(row[1].value) for row in load_workbook(file)["About"].iter_rows()
    }
    assert f"http://127.0.0.1:8000/queries/{NAME}?version=1" in told["Citation"]
