"""Every shape says what it should, at the right place, and nothing more."""

import re
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import RDF, SH

from coprod_kg.ingest import rdf
from coprod_kg.ingest.rdf_formats import format_of
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import shorten
from coprod_kg.reasoning.rules import Rules
from coprod_kg.validation.report import Finding
from coprod_kg.validation.shacl import Shapes

BASE = "https://w3id.org/coprod/"
CPS = rdflib.Namespace(f"{BASE}shapes#")
CASES = sorted((Path(__file__).parent / "shapes").glob("*/*.ttl"))
SUBMISSION = Path(__file__).parents[1] / "shapes" / "submission"


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    model = Model.installed()
    rules = Rules(model.rules, model.background)
    return Shapes(model.submission.triples(), rules.background, f"{BASE}id/")


@pytest.fixture(scope="module")
def graph() -> rdflib.Graph:
    graph = rdflib.Graph()
    for path in sorted(SUBMISSION.glob("*.ttl")):
        graph.parse(path)
    return graph


def short(iri: str | None) -> str:
    if iri is None:
        return "-"
    return f"<{iri.removeprefix(BASE)}>" if iri.startswith(f"{BASE}id/") else shorten(iri)


def told(one: Finding) -> str:
    place = f"{short(one.focus)} {short(one.path)} {short(one.component)}"
    return f"{place} {one.severity} {short(one.shape)}"


def expected(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [one.removeprefix("# expect: ") for one in lines if one.startswith("# expect: ")]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_file_gives_the_findings_it_expects_and_no_other(path: Path, shapes: Shapes) -> None:
    triples = rdf.read(path.read_bytes(), path.name, format_of(path.name), BASE).triples
    assert [told(one) for one in shapes.validate(triples)] == expected(path)


def test_every_property_shape_has_a_file_that_breaks_it(graph: rdflib.Graph) -> None:
    broken = {line.rpartition(" ")[2] for path in CASES for line in expected(path)}
    named = {short(str(one)) for one in graph.subjects(RDF.type, SH.PropertyShape)}
    assert named == broken


def test_every_class_has_a_valid_file_and_its_folder_is_named_as_its_shapes() -> None:
    folders = {path.parent.name for path in CASES if path.name.startswith("valid-")}
    assert folders == {path.stem for path in SUBMISSION.glob("*.ttl")}


@pytest.mark.parametrize("needed", [SH.path, SH.name, SH.description, SH.severity])
def test_every_property_shape_says_what_it_is_about(
    graph: rdflib.Graph, needed: rdflib.URIRef
) -> None:
    shapes = set(graph.subjects(RDF.type, SH.PropertyShape))
    assert shapes == {one for one in shapes if len(list(graph.objects(one, needed))) == 1}


def test_every_message_tells_what_to_write(graph: rdflib.Graph) -> None:
    asking = ("Write ", "Mend ", "Leave ", "leave it", "Keep ")
    told = {
        shape: [str(text) for text in graph.objects(shape, CPS.advice) if "@en" in text.n3()]
        for shape in graph.subjects(SH.message, None)
        if (shape, CPS.example, None) not in graph
    }
    assert [shape for shape, texts in told.items() if not "".join(texts).startswith(asking)] == [
        CPS["StageHistory-step"]  # "If that is how it was, leave it as it is."
    ]


@pytest.mark.parametrize("words", [SH.message, CPS.advice, CPS.example])
def test_what_a_shape_tells_is_told_in_the_languages_of_the_schemes(words: rdflib.URIRef) -> None:
    shapes = rdflib.Graph()
    for path in Model.installed().shapes:
        shapes.parse(path)
    told = {
        shape: sorted(getattr(text, "language", "") or "" for text in shapes.objects(shape, words))
        for shape in shapes.subjects(words, None)
    }
    assert {str(shape) for shape, tags in told.items() if tags != ["da", "de", "en"]} == {
        str(shape) for shape, tags in told.items() if words == CPS.example and set(tags) == {""}
    }


def test_the_three_languages_of_a_shape_name_the_same_things() -> None:
    slots = {
        (shape, name): {
            tuple(sorted(re.findall(r"\{(.+?)\}", text))) for text in getattr(words, name).values()
        }
        for shape, words in Model.installed().words.items()
        for name in ("fault", "advice")
    }
    assert [shape for shape, found in slots.items() if len(found) > 1] == []


def test_every_example_is_of_a_known_property_and_value() -> None:
    known = {node for triple in Model.installed().background for node in triple}
    for words in Model.installed().words.values():
        for example in words.examples:
            assert ox.NamedNode(example.path) in known
            if "/vocab/" in example.value.value:
                assert example.value in known


def test_only_shacl_terms_that_exist_are_used(graph: rdflib.Graph) -> None:
    used = {one for triple in graph for one in triple if str(one).startswith(str(SH))}
    known = {
        *("NodeShape", "PropertyShape", "Violation", "Warning", "Info", "IRI", "Literal"),
        *("targetClass", "targetSubjectsOf", "property", "path", "alternativePath", "or", "node"),
        *("inversePath", "zeroOrMorePath", "not"),
        *("class", "datatype", "nodeKind", "minCount", "maxCount", "hasValue", "pattern"),
        "minInclusive",
        *("uniqueLang", "sparql", "select", "prefixes"),
        *("name", "description", "message", "severity", "order"),
    }
    assert {str(one).removeprefix(str(SH)) for one in used} <= known


def test_the_shapes_do_not_depend_on_what_was_validated_before(shapes: Shapes) -> None:
    first, *_, last = CASES
    files = [
        rdf.read(path.read_bytes(), path.name, format_of(path.name), BASE).triples
        for path in (last, first, last)
    ]
    findings = [shapes.validate(one) for one in files]
    assert findings[0] == findings[2]
