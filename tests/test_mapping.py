"""Other people's data becomes submissions by an RML mapping that is shut in while it runs.

The engine lives in an environment of its own: ``COPROD_RML_ENGINE`` names its Python. Where nothing
may be missing (``COPROD_REQUIRE_ALL=1``) it is installed from its lock file for these tests.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.cli.map import map_sources
from coprod_kg.errors import CoprodError, LimitReached, WrongUsage
from coprod_kg.ingest.mapping import Mapping, apply
from coprod_kg.ingest.submit import Outcome, SubmittedFile, validate
from coprod_kg.model.files import files
from coprod_kg.settings import Settings
from coprod_kg.validation.report import Severity

HERE = Path(__file__).parent / "mapping"
WORKED = files("examples") / "mappings" / "participedia"
REAL = "../shared/data/participedia/cases.json"
SUBMITTER = "coprod-kg-participedia"
Try = Callable[[str], CoprodError]


@pytest.fixture(scope="session")
def engine(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python that has the engine."""
    if named := os.environ.get("COPROD_RML_ENGINE"):
        return Path(named)
    if os.environ.get("COPROD_REQUIRE_ALL") != "1":
        pytest.skip("needs morph-kgc in an environment of its own, named by COPROD_RML_ENGINE")
    home = tmp_path_factory.mktemp("rml") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--python", str(python)]
    lock = str(checkout / "requirements" / "rml.lock")
    subprocess.run([*pip, "install", "--no-deps", "--require-hashes", "-r", lock], check=True)
    return python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The worked mapping with a coding of invented cases."""
    shutil.copytree(WORKED, tmp_path / "participedia")
    for name in ("coding.csv", "participations.csv"):
        shutil.copy(HERE / name, tmp_path / "participedia" / name)
    return tmp_path / "participedia"


@pytest.fixture
def attempt(engine: Path, tmp_path: Path) -> Try:
    """Run a mapping with one logical source, and give the error that it must end with."""

    def run(source: str) -> CoprodError:
        mapping = tmp_path / "bad.rml.ttl"
        mapping.write_text(
            "@prefix rml: <http://w3id.org/rml/> . @base <https://example.org/> .\n"
            "<#A> a rml:TriplesMap ; rml:logicalSource [ " + source + " ] ;\n"
            ' rml:subjectMap [ rml:template "https://w3id.org/coprod/id/initiative/{a}" ] ;\n'
            " rml:predicateObjectMap [ rml:predicate <https://example.org/p> ;"
            ' rml:objectMap [ rml:reference "a" ] ] .\n',
            encoding="utf-8",
        )
        data = tmp_path / "data.json"
        data.write_text('[{"a": "b"}]', encoding="utf-8")
        settings = Settings(submission_seconds=8.0, submission_memory_mb=1024)
        with pytest.raises(CoprodError) as caught:
            apply(Mapping(mapping, [data], engine), settings)
        return caught.value

    return run


def real_cases(checkout: Path) -> Path:
    path = checkout / REAL
    if not path.is_file():
        pytest.skip(f"the public cases do not travel with this repository: no {REAL}")
    return path


def checked(turtle: str) -> Outcome:
    [outcome] = validate(
        [SubmittedFile("mapped.ttl", turtle.encode(), organisation=SUBMITTER)], Settings()
    )
    assert outcome.accepted, outcome.error
    worst = [one for one in outcome.report.findings if one.severity is Severity.VIOLATION]
    assert not worst, worst[:3]
    return outcome


def count(turtle: str, kind: str) -> int:
    return turtle.count(f"\n    a {kind} ;")


def test_invented_cases_become_the_turtle_that_is_kept(engine: Path, folder: Path) -> None:
    made = apply(
        Mapping(folder / "mapping.rml.ttl", [HERE / "cases.json"], engine), Settings()
    ).turtle
    golden = HERE / "mapped.ttl"
    if os.environ.get("COPROD_REFRESH") == "1":
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")


def test_the_turtle_that_is_kept_conforms_and_says_whose_coding_it_is() -> None:
    golden = (HERE / "mapped.ttl").read_text(encoding="utf-8")
    checked(golden)
    claims = count(golden, "cp:Participation")
    assert claims == 3
    assert golden.count("cp:basis basis:secondary-coding") == claims
    assert golden.count("cp:claimedBy <id/agent/coprod-kg>") == claims
    assert "cp:stage" not in golden


def test_the_coded_cases_of_the_real_source_conform(engine: Path, checkout: Path) -> None:
    source = real_cases(checkout)
    made = apply(Mapping(WORKED / "mapping.rml.ttl", [source], engine), Settings()).turtle
    with (WORKED / "coding.csv").open(encoding="utf-8") as file:
        coded = [one["initiative"] for one in csv.DictReader(file)]
    assert count(made, "cp:Initiative") == len(coded) >= 2
    assert all(f"<id/initiative/{one}>" in made for one in coded)
    checked(made)


def test_every_case_of_the_real_source_could_be_coded(
    engine: Path, checkout: Path, folder: Path
) -> None:
    source = real_cases(checkout)
    cases = json.loads(source.read_text(encoding="utf-8"))
    with (folder / "coding.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["case", "initiative", "label", "organisation", "organisation_label", "reason"]
        )
        for one in cases:
            number = one["id"]
            invented = f"Case {number}", f"organiser-{number}", f"Organiser {number}", "Invented"
            writer.writerow([number, f"case-{number}", *invented])
    made = apply(Mapping(folder / "mapping.rml.ttl", [source], engine), Settings()).turtle
    checked(made)
    assert count(made, "cp:Initiative") == len(cases) >= 800
    assert made.count("cp:startDate") > 500
    assert made.count("cp:country country:") > 1200  # of initiatives and organisations


def test_the_functions_of_a_mapping_find_names_and_tell_what_they_do_not_find(
    engine: Path, tmp_path: Path
) -> None:
    (tmp_path / "places.csv").write_text(
        "name,land\nÅs Kommune,Storbritannien\nB,Itlay\nC,Congo\nD,\nE,The Netherlands\nF,Itlay\n",
        encoding="utf-8",
    )
    (tmp_path / "m.rml.ttl").write_text(
        "@prefix rml: <http://w3id.org/rml/> . @base <https://example.org/> .\n"
        '<#source> rml:query """ SELECT identifier(\'ours\', name) AS slug, '
        "coalesce(concept('country', land, 'places.csv, row ' || row_number() OVER ()), '') AS iri "
        'FROM read_csv(\'places.csv\', all_varchar = true) """ .\n'
        "<#A> a rml:TriplesMap ; rml:logicalSource <#source> ;\n"
        ' rml:subjectMap [ rml:template "https://w3id.org/coprod/id/organisation/{slug}" ] ;\n'
        " rml:predicateObjectMap [ rml:predicate <https://w3id.org/coprod/ontology#country> ;"
        ' rml:objectMap [ rml:reference "iri" ; rml:termType rml:IRI ] ] .\n',
        encoding="utf-8",
    )
    output = tmp_path / "mapped.ttl"
    arguments = [str(tmp_path / "m.rml.ttl"), str(tmp_path / "places.csv"), "-o", str(output)]
    done = CliRunner().invoke(map_sources, [*arguments, "--engine", str(engine)])
    assert done.exit_code == 0, done.exception
    assert sorted(done.stderr.splitlines()) == [
        "places.csv, row 2: 'Itlay' is no country, so it was left out. Did you mean Italy?",
        "places.csv, row 3: 'Congo' is no country, so it was left out. Did you mean "
        "Democratic Republic of the Congo or Republic of the Congo?",
        "places.csv, row 6: 'Itlay' is no country, so it was left out. Did you mean Italy?",
    ]
    made = output.read_text(encoding="utf-8")
    assert "<id/organisation/ours-as-kommune>\n    cp:country country:GBR ." in made
    assert made.count("cp:country") == 2


ROWS = '''@prefix rml: <http://w3id.org/rml/> . @base <https://example.org/> .
<#places> rml:query """SELECT name,
  'places.csv, row ' || (1 + row_number() OVER ()) AS source_place,
  CAST(size AS INTEGER) AS size FROM read_csv('places.csv', all_varchar = true)""" .
<#years> rml:query "SELECT nmae, CAST(year AS INTEGER) AS year FROM read_json('years.json')" .
<#A> a rml:TriplesMap ; rml:logicalSource <#places> ;
 rml:subjectMap [ rml:template "https://w3id.org/coprod/id/organisation/{name}" ;
  rml:class <http://www.w3.org/ns/org#Organization> ] ;
 rml:predicateObjectMap [ rml:predicate <https://w3id.org/coprod/ontology#size> ;
  rml:objectMap [ rml:reference "size" ] ] .
<#B> a rml:TriplesMap ; rml:logicalSource <#years> ;
 rml:subjectMap [ rml:template "https://w3id.org/coprod/id/initiative/{nmae}" ;
  rml:class <https://w3id.org/coprod/ontology#Initiative> ] .
'''


def test_every_query_that_does_not_run_is_told_with_the_row(engine: Path, tmp_path: Path) -> None:
    mapping, places, years = (tmp_path / name for name in ("m.ttl", "places.csv", "years.json"))
    mapping.write_text(ROWS, encoding="utf-8")
    places.write_text("name,size\na,1\nb,many\n", encoding="utf-8")
    years.write_text('[{"name": "c", "year": "2019"}, {"name": "d", "year": "?"}]')
    given = Mapping(mapping, [places, years], engine)
    with pytest.raises(WrongUsage, match="2 queries of the mapping do not run") as caught:
        apply(given, Settings())
    said = str(caught.value)
    assert 'query #years: Binder Error: Referenced column "nmae" not found' in said
    assert "string 'many' to INT32" in said
    assert "(it stands in places.csv, row 3)" in said
    mapping.write_text(ROWS.replace("nmae", "name"), encoding="utf-8")
    places.write_text("name,size\na,1\nb,2\n", encoding="utf-8")
    with pytest.raises(WrongUsage, match="a query of the mapping does not run") as caught:
        apply(given, Settings())
    assert "(it stands in years.json, object 2)" in str(caught.value)


def test_a_finding_on_what_was_mapped_names_the_row_of_the_source(
    engine: Path, tmp_path: Path
) -> None:
    mapping, places, years = (tmp_path / name for name in ("m.ttl", "places.csv", "years.json"))
    mapping.write_text(ROWS.replace("nmae", "name"), encoding="utf-8")
    places.write_text("name,size\na,1\nb,2\n", encoding="utf-8")
    years.write_text('[{"name": "c", "year": "2019"}]')
    made = apply(Mapping(mapping, [places, years], engine), Settings()).turtle
    [outcome] = validate([SubmittedFile("mapped.ttl", made.encode(), organisation="a")], Settings())
    spots = {str(one.spot) for one in outcome.report.findings if one.path and one.spot}
    lines = {line: number for number, line in enumerate(made.splitlines(), 1)}
    size = lines['    cp:size "2" .']
    assert f"places.csv, row 3 (line {size})" in spots
    assert any(one.startswith("row 1 of the query #years (line ") for one in spots), spots


def test_a_python_without_the_engine_is_told_how_to_get_it(folder: Path) -> None:
    mapping = Mapping(folder / "mapping.rml.ttl", [HERE / "cases.json"], Path(sys.executable))
    with pytest.raises(WrongUsage, match="has no morph-kgc") as caught:
        apply(mapping, Settings())
    assert "pip install morph-kgc" in str(caught.value)


def test_a_python_that_is_not_there_is_told(folder: Path) -> None:
    mapping = Mapping(folder / "mapping.rml.ttl", [HERE / "cases.json"], folder / "no-python")
    with pytest.raises(WrongUsage, match="there is no such Python"):
        apply(mapping, Settings())


def test_a_source_with_a_name_of_ours_is_refused(folder: Path) -> None:
    taken = folder.parent / "vocabulary.csv"
    taken.write_text("a\n1\n", encoding="utf-8")
    mapping = Mapping(folder / "mapping.rml.ttl", [taken], Path(sys.executable))
    with pytest.raises(WrongUsage, match="a name of its own"):
        apply(mapping, Settings())


@pytest.mark.parametrize(
    "source",
    [
        "rml:query \"SELECT content AS a FROM read_text('/etc/hostname')\"",
        "rml:query \"SELECT a FROM read_csv('https://example.org/a.csv')\"",
        'rml:query "INSTALL httpfs"',
        "rml:query \"SELECT 1 AS a; COPY (SELECT 1) TO 'a.csv'\"",
        'rml:source "/etc/passwd.csv" ; rml:referenceFormulation rml:CSV',
        'rml:source "/proc/self/environ.json" ; rml:referenceFormulation rml:JSONPath ;'
        ' rml:iterator "$[*]"',
        'rml:source "http://127.0.0.1:9/a.json" ; rml:referenceFormulation rml:JSONPath ;'
        ' rml:iterator "$[*]"',
    ],
)
def test_a_mapping_reaches_nothing_but_its_own_files(attempt: Try, source: str) -> None:
    error = attempt(source)
    assert isinstance(error, WrongUsage)
    assert any(one in str(error) for one in ("a mapping may not", "Permission Error", "autoload"))


def test_a_mapping_that_never_ends_is_stopped(attempt: Try) -> None:
    endless = "SELECT sum(x.i * y.i) AS a FROM range(1000000000) x(i), range(1000000000) y(i)"
    assert isinstance(attempt(f'rml:query "{endless}"'), LimitReached)


def test_a_mapping_that_takes_all_memory_is_stopped(attempt: Try) -> None:
    error = attempt("rml:query \"SELECT repeat('a', 3000000000) AS a\"")
    assert isinstance(error, LimitReached), error


def test_the_command_writes_the_file_and_never_over_another(
    engine: Path, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "mapped.ttl"
    arguments = [str(folder / "mapping.rml.ttl"), str(HERE / "cases.json"), "-o", str(output)]
    first = CliRunner().invoke(map_sources, [*arguments, "--engine", str(engine)])
    assert first.exit_code == 0, first.output
    assert count(output.read_text(encoding="utf-8"), "cp:Initiative") == 3
    again = CliRunner().invoke(map_sources, [*arguments, "--engine", str(engine)])
    assert isinstance(again.exception, WrongUsage)
