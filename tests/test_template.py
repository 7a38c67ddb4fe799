"""The template follows the shapes and schemes, and what it asks for is what is read."""

import csv
import re
import shutil
from collections.abc import Iterable, Iterator
from io import BytesIO, StringIO
from pathlib import Path

import pyoxigraph as ox
import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.cli.template import template
from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.changes import normalised
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand
from coprod_kg.workbook.columns import EXAMPLE, EXPLANATIONS, LISTS, README, ColumnKind, Sheets
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.template import as_files, as_workbook
from coprod_kg.workbook.template.examples import put_text
from tests.workbooks.building import BASE, read, saved, told, zipped
from tests.workbooks.filling import as_csv, fill, rows_of

_THING = re.compile(rf"<{re.escape(BASE)}id/([^>]*)>")
CASES = Path(__file__).parents[1] / "examples" / "cases"


@pytest.fixture(scope="module")
def written() -> Workbook:
    return load_workbook(BytesIO(as_workbook(sheets(), "en")))


def validations(sheet: Worksheet) -> dict[str, str]:
    """Header → what the drop-down of its column refers to."""
    found = {}
    for one in sheet.data_validations.dataValidation:
        column = str(one.sqref).split(":")[0].rstrip("0123456789")
        found[str(sheet[f"{column}1"].value)] = str(one.formula1)
    return found


def listed(book: Workbook, name: str) -> list[str]:
    """What a named list shows."""
    sheet, _, area = book.defined_names[name].attr_text.partition("!")
    return [str(cell.value) for (cell,) in book[sheet][area.replace("$", "")]]


def headers(sheet: Worksheet) -> list[str]:
    return [str(cell.value) for cell in sheet[1]]


def test_every_kind_of_thing_has_its_sheet(written: Workbook) -> None:
    kinds = [one.title for one in sheets().members]
    assert written.sheetnames == [README, *kinds, EXPLANATIONS, LISTS]


def test_columns_stand_in_the_order_of_the_shapes(written: Workbook) -> None:
    assert headers(written["Barrier reports"])[:10] == [
        "Identifier",
        "About*",
        "Barrier*",
        "Step",
        "Assessment at which it was met",
        "Standpoint",
        "Severity",
        "Status of the barrier",
        "Enabler that overcame it",
        "Overcome without an enabler",
    ]


def test_every_header_says_what_belongs_below_it_and_whether_it_is_needed(
    written: Workbook,
) -> None:
    for sheet in sheets().members:
        for cell in written[sheet.title][1]:
            assert cell.comment is not None
            required = str(cell.value).endswith("*")
            assert ("Needed in every row." in cell.comment.text) is required
            assert "Relates" not in cell.comment.text


def test_every_concept_stands_in_the_list_of_its_column(written: Workbook) -> None:
    for sheet in sheets().members:
        checks = validations(written[sheet.title])
        for column in sheet.columns:
            if column.choices:
                header = column.header + ("*" if column.required else "")
                assert checks[header] == f"=list_{column.choices.name}"
                assert listed(written, f"list_{column.choices.name}") == [
                    one.label("en") for one in column.choices.members
                ]


def test_a_list_refuses_another_word_while_it_is_typed(written: Workbook) -> None:
    for sheet in sheets().members:
        checks = written[sheet.title].data_validations.dataValidation
        speaking = {one.formula1 for one in checks if one.showErrorMessage}
        for column in sheet.columns:
            if column.choices and not column.many:
                assert f"=list_{column.choices.name}" in speaking


def test_lists_longer_than_a_cell_may_hold_are_whole(written: Workbook) -> None:
    assert len(", ".join(listed(written, "list_country"))) > 255
    assert written[LISTS].sheet_state == "hidden"


@pytest.mark.parametrize(("language", "label"), [("da", "Pilotprojekt"), ("de", "Pilotprojekt")])
def test_lists_are_in_the_language_asked_for(language: str, label: str) -> None:
    book = load_workbook(BytesIO(as_workbook(sheets(), language)))
    assert label in listed(book, "list_stage")
    assert book[README]["B2"].value == language


def test_the_same_sheets_give_the_same_bytes() -> None:
    assert as_workbook(sheets(), "en") == as_workbook(sheets(), "en")
    assert as_files(sheets(), "da") == as_files(sheets(), "da")


def test_no_concept_has_a_label_that_looks_like_two_values() -> None:
    for choices in sheets().choices.values():
        assert not [one for one in choices.members if ";" in "".join(one.labels.values())]


# It cannot lag behind


def copied(folder: Path) -> Model:
    """A copy of the model's files that a test may change."""
    installed = Model.installed()

    def copy(paths: tuple[Path, ...], name: str) -> tuple[Path, ...]:
        (folder / name).mkdir()
        return tuple(Path(shutil.copy(one, folder / name)) for one in paths)

    return Model(
        ontology=copy(installed.ontology, "ontology"),
        shapes=copy(installed.shapes, "shapes"),
        **{
            name: getattr(installed, name)
            for name in Model.__dataclass_fields__
            if name not in ("ontology", "shapes")
        },
    )


def edit(paths: tuple[Path, ...], name: str, old: str, new: str) -> None:
    path = next(one for one in paths if one.name == name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_new_concept_is_in_the_drop_down_and_is_understood(tmp_path: Path) -> None:
    model = copied(tmp_path)
    path = next(one for one in model.ontology if one.name == "severity.ttl")
    path.write_text(
        path.read_text(encoding="utf-8")
        + """
<https://w3id.org/coprod/vocab/severity/hardly> a skos:Concept , cp:Severity ;
    skos:inScheme <https://w3id.org/coprod/vocab/severity> ;
    skos:notation "hardly" ; skos:prefLabel "Hardly at all"@en .
""",
        encoding="utf-8",
    )
    made = sheets(model)
    book = load_workbook(BytesIO(as_workbook(made, "en")))
    assert "Hardly at all" in listed(book, "list_severity")
    assert len(made.choices["severity"].find("hardly at all")) == 1


def test_a_new_property_shape_is_a_column_of_its_type(tmp_path: Path) -> None:
    model = copied(tmp_path)
    edit(
        model.shapes,
        "evidence.ttl",
        "        cps:Evidence-evidenceKind ,",
        "        cps:Evidence-pages , cps:Evidence-evidenceKind ,",
    )
    edit(
        model.shapes,
        "evidence.ttl",
        "cps:Evidence-evidenceKind a sh:PropertyShape ;",
        """cps:Evidence-pages a sh:PropertyShape ;
    sh:path cp:pages ; sh:datatype xsd:integer ; sh:minCount 1 ; sh:maxCount 1 ;
    sh:name "number of pages"@en ; sh:description "How long it is."@en ;
    sh:severity sh:Violation ; sh:order 0 .

cps:Evidence-evidenceKind a sh:PropertyShape ;""",
    )
    column = sheets(model).of_kind("evidence").columns[2]
    assert (column.header, column.holds, column.required) == (
        "Number of pages",
        ColumnKind.NUMBER,
        True,
    )
    book = load_workbook(BytesIO(as_workbook(sheets(model), "en")))
    assert headers(book["Evidence"])[2] == "Number of pages*"


def test_a_shape_that_goes_takes_its_column_along(tmp_path: Path) -> None:
    model = copied(tmp_path)
    edit(model.shapes, "evidence.ttl", "        cps:Evidence-page ,\n", "")
    assert "Page" not in [one.header for one in sheets(model).of_kind("evidence").columns]


def test_a_property_of_the_ontology_without_a_shape_has_its_column_too(tmp_path: Path) -> None:
    model = copied(tmp_path)
    edit(model.shapes, "initiative.ttl", "        cps:Initiative-triesOut ,\n", "")
    assert "Tries out" in [one.header for one in sheets(model).of_kind("initiative").columns]


# What it asks for is what is read


def as_rows(book: Workbook) -> None:
    """Take the mark off every example row, so that it is read like any other."""
    for sheet in sheets().members:
        assert book[sheet.title]["A2"].value == EXAMPLE
        book[sheet.title]["A2"].value = None


@pytest.mark.parametrize("language", ["en", "da", "de"])
def test_the_example_rows_are_sound(language: str) -> None:
    book = load_workbook(BytesIO(as_workbook(sheets(), language)))
    as_rows(book)
    made = read(saved(book))
    assert told(made) == []
    assert made.rows == len(sheets().members)


def test_the_csv_files_say_what_the_workbook_says() -> None:
    book = load_workbook(BytesIO(as_workbook(sheets(), "en")))
    as_rows(book)
    files = {
        name: content.replace(EXAMPLE.encode(), b"")
        for name, content in as_files(sheets(), "en").items()
    }
    assert set(read(zipped(files), "a.zip").triples) == set(read(saved(book)).triples)


def test_the_csv_files_open_in_a_spreadsheet_program_of_their_language() -> None:
    for language, separator in (("en", ","), ("da", ";"), ("de", ";")):
        for name, content in as_files(sheets(), language).items():
            assert content.startswith(b"\xef\xbb\xbf"), name
            if name == "initiatives.csv":
                text = StringIO(content.decode("utf-8-sig"), newline="")
                assert next(csv.reader(text, delimiter=separator))[:2] == ["Identifier", "Name*"]


def statements(name: str) -> set[ox.Triple]:
    path = CASES / f"{name}.ttl"
    return {one.triple for one in ox.parse(path=path, base_iri=BASE)}


def by_value(triples: Iterable[ox.Triple]) -> set[ox.Triple]:
    """The triples with each number in one spelling: 5 and 5.0 in a cell are the same."""
    return {ox.Triple(one.subject, one.predicate, normalised(one.object)) for one in triples}


@pytest.mark.parametrize("case", ["ryhov-county-hospital", "comune-di-bologna"])
def test_a_published_case_filled_in_by_identifier_says_the_same(case: str) -> None:
    book = load_workbook(BytesIO(as_workbook(sheets(), "en")))
    fill(book, sheets(), rows_of(sheets(), statements(case), by_name=False))
    made = read(saved(book))
    assert [one for one in told(made) if one[0] != "near-name"] == []
    assert by_value(made.triples) == by_value(statements(case))


def test_every_published_case_as_csv_files_says_the_same() -> None:
    for path in sorted(CASES.glob("*.ttl")):
        said = by_itself(statements(path.stem))
        made = read(zipped(as_csv(rows_of(sheets(), said, by_name=False))), f"{path.stem}.zip")
        assert [one for one in told(made) if one[0] != "near-name"] == []
        assert by_value(made.triples) == by_value(said), path.stem


def by_itself(said: set[ox.Triple]) -> set[ox.Triple]:
    """The statements without parts that another organisation's file describes."""
    part, known = expand("cp:hasPart"), {triple.subject for triple in said}
    return {triple for triple in said if triple.predicate.value != part or triple.object in known}


@pytest.mark.parametrize("case", ["ryhov-county-hospital", "gentofte-kommune"])
def test_a_published_case_filled_in_by_name_says_the_same_but_for_identifiers(case: str) -> None:
    book = load_workbook(BytesIO(as_workbook(sheets(), "en")))
    fill(book, sheets(), rows_of(sheets(), statements(case), by_name=True))
    made = read(saved(book))
    assert told(made) == []
    assert anonymous(by_value(made.triples)) == anonymous(by_value(statements(case)))


def anonymous(triples: set[ox.Triple]) -> set[str]:
    """The statements with every thing of the data as a blank node, in their canonical form."""
    lines = "".join(f"{one} .\n" for one in triples)
    renamed = _THING.sub(lambda found: "_:x" + found[1].encode().hex(), lines)
    dataset = ox.Dataset(ox.parse(renamed, ox.RdfFormat.N_TRIPLES))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(one) for one in dataset}


# Somebody's words


def test_words_that_look_like_a_formula_are_written_as_text() -> None:
    book = Workbook()
    cell = book.worksheets[0].cell(1, 1)
    put_text(cell, '=HYPERLINK("https://example.org")')
    again = load_workbook(BytesIO(saved(book))).worksheets[0].cell(1, 1)
    assert (again.data_type, again.value) == ("s", '=HYPERLINK("https://example.org")')
    assert again.quotePrefix


# The command


def run(*arguments: str) -> Iterator[str]:
    result = CliRunner().invoke(template, arguments, catch_exceptions=False)
    yield result.output


def test_the_command_writes_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "mine.xlsx"
    assert list(run("-o", str(path), "--lang", "da")) == [f"One workbook written to {path}\n"]
    assert path.read_bytes() == as_workbook(sheets(), "da")


def test_the_command_writes_a_folder(tmp_path: Path) -> None:
    list(run("-o", str(tmp_path / "mine")))
    names = {one.name for one in (tmp_path / "mine").iterdir()}
    assert names == set(as_files(sheets(), "en"))


def test_the_command_writes_over_nothing_unasked(tmp_path: Path) -> None:
    path = tmp_path / "mine.xlsx"
    path.write_bytes(b"mine")
    with pytest.raises(WrongUsage, match="is there already"):
        list(run("-o", str(path)))
    assert path.read_bytes() == b"mine"
    list(run("-o", str(path), "--force"))
    assert path.read_bytes() != b"mine"


def test_the_command_refuses_another_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="a template is written as"):
        list(run("-o", str(tmp_path / "mine.ods")))


def test_the_read_me_names_every_sheet() -> None:
    made: Sheets = sheets()
    book = load_workbook(BytesIO(as_workbook(made, "en")))
    texts = {str(cell.value) for (cell, *_) in book[README].iter_rows()}
    assert {one.title for one in made.members} <= texts
