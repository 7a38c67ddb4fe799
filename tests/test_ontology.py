"""The ontology as a text: canonical, complete, of one set of prefixes, and in OWL 2 DL."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import OWL, RDF, RDFS, SKOS, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import expand, prefixes, shorten, term, terms
from coprod_kg.reasoning.java import java
from tests.ontology.reading import (
    ALIGNMENTS,
    CANONICAL,
    CORE,
    CP,
    DECLARED,
    FOLDER,
    ONTOLOGY,
    found,
    parsed,
)

ROBOT = "org.obolibrary.robot.CommandLineInterface"

# The text


@pytest.mark.parametrize("path", CANONICAL, ids=lambda path: path.name)
def test_a_file_is_written_in_the_canonical_form(path: Path) -> None:
    assert parsed(path).serialize(format="longturtle") == path.read_text(encoding="utf-8")


def test_there_is_one_ontology_and_its_version_agrees_with_its_version_iri() -> None:
    graph = parsed(CORE)
    assert list(graph.subjects(RDF.type, OWL.Ontology)) == [ONTOLOGY]
    version = graph.value(ONTOLOGY, OWL.versionInfo)
    assert graph.value(ONTOLOGY, OWL.versionIRI) == URIRef(f"{ONTOLOGY}/{version}")
    assert f"## {version}" in (FOLDER / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_style_of_the_ontology_conforms_to_its_shapes() -> None:
    conforms, report = styled(parsed(CORE))
    assert conforms, report


def test_a_term_without_a_source_breaks_the_style() -> None:
    graph = Graph() + parsed(CORE)
    graph.remove((URIRef(term("Barrier")), DCTERMS.source, None))
    conforms, report = styled(graph)
    assert not conforms
    assert "OntologyTerm-source" in report


def styled(graph: Graph) -> tuple[bool, str]:
    shapes = parsed(files("shapes") / "house" / "ontology-style.ttl")
    conforms, _, report = validate(graph, shacl_graph=shapes)
    return bool(conforms), str(report)


def test_every_class_and_property_of_the_namespace_is_a_term() -> None:
    assert not found(
        f"""?it a ?kind . VALUES ?kind {{ owl:Class owl:ObjectProperty owl:DatatypeProperty }}
            FILTER(STRSTARTS(STR(?it), "{CP}")) FILTER NOT EXISTS {{ {DECLARED} }}"""
    )


def test_whatever_stands_in_the_namespace_is_defined() -> None:
    used = {
        str(part)
        for triple in parsed(CORE)
        for part in triple
        if isinstance(part, URIRef) and str(part).startswith(CP)
    }
    assert used == set(terms())


@pytest.mark.parametrize(
    ("predicate", "languages"),
    [
        ("skos:prefLabel", ["da", "de", "en"]),
        ("rdfs:label", ["da", "de", "en"]),
        ("skos:definition", ["da", "de", "en"]),
    ],
)
def test_every_term_has_it_once_in_each_language(predicate: str, languages: list[str]) -> None:
    graph = parsed(CORE)
    for iri in terms():
        values = graph.objects(URIRef(iri), URIRef(expand(predicate)))
        spoken = sorted(str(value.language) for value in values if isinstance(value, Literal))
        assert spoken == languages, shorten(iri)


def test_a_scope_note_of_a_term_is_there_in_each_language() -> None:
    graph = parsed(CORE)
    for iri in terms():
        notes = list(graph.objects(URIRef(iri), SKOS.scopeNote))
        spoken = sorted(str(note.language) for note in notes if isinstance(note, Literal))
        assert not notes or spoken == ["da", "de", "en"], shorten(iri)


def test_every_term_has_a_source_and_says_so_where_it_is_our_own_choice() -> None:
    assert not found(f"{DECLARED} FILTER NOT EXISTS {{ ?it dcterms:source ?source }}")
    assert not found(
        f"""{DECLARED} ?it dcterms:source <{ONTOLOGY}>
            FILTER NOT EXISTS {{ ?it skos:editorialNote ?note }}"""
    )


def test_no_term_of_a_published_version_is_gone_and_a_deprecated_one_names_another() -> None:
    graph = parsed(CORE)
    for path in sorted((FOLDER / "versions").glob("*.ttl")):
        published = {
            str(subject)
            for kind in KINDS
            for subject in parsed(path).subjects(RDF.type, kind)
            if str(subject).startswith(str(CP))
        }
        assert published
        assert published <= terms(), path.name
    for term_ in graph.subjects(OWL.deprecated, Literal(True)):
        assert str(graph.value(term_, DCTERMS.isReplacedBy)) in terms()


# Prefixes


def test_every_file_uses_the_prefixes_of_the_one_list() -> None:
    known = prefixes()
    for path in [*CANONICAL, *(FOLDER / "vocab").glob("*.ttl")]:
        for prefix, namespace in parsed(path).namespaces():
            assert str(namespace) == known.get(prefix), f"{path.name}: {prefix}"


def test_a_namespace_has_one_prefix() -> None:
    assert len(set(prefixes().values())) == len(prefixes())


def test_the_header_prefers_the_prefix_of_the_list() -> None:
    graph = parsed(CORE)
    prefix = str(graph.value(ONTOLOGY, URIRef(expand("vann:preferredNamespacePrefix"))))
    assert prefixes()[prefix] == str(
        graph.value(ONTOLOGY, URIRef(expand("vann:preferredNamespaceUri")))
    )


def test_a_short_name_and_its_iri_lead_to_each_other() -> None:
    for iri in terms():
        assert expand(shorten(iri)) == iri


def test_an_iri_that_goes_on_below_a_namespace_is_not_shortened() -> None:
    assert shorten(f"{CP}a/b") == f"{CP}a/b"
    assert shorten("https://example.org/x") == "https://example.org/x"
    assert shorten(CP) == CP


def test_a_term_that_the_ontology_lacks_is_an_error_of_the_model() -> None:
    with pytest.raises(ModelError, match="no term cp:Initative"):
        term("Initative")


@pytest.mark.parametrize("name", ["Initiative", "nowhere:Initiative"])
def test_a_name_without_a_known_prefix_is_wrong_usage(name: str) -> None:
    with pytest.raises(WrongUsage, match="known prefix"):
        expand(name)


def test_a_folder_that_is_not_there_is_an_error_of_the_model() -> None:
    with pytest.raises(ModelError, match="no folder"):
        files("nothing")


# OWL 2 DL

KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)


def test_nothing_is_two_kinds_of_thing() -> None:
    graph = parsed(CORE)
    for subject in set(graph.subjects(RDF.type, None)):
        kinds = [kind for kind in KINDS if (subject, RDF.type, kind) in graph]
        assert len(kinds) <= 1, subject


def test_every_predicate_is_built_in_or_declared() -> None:
    graph = parsed(CORE)
    declared = {subject for kind in KINDS[1:] for subject in graph.subjects(RDF.type, kind)}
    built_in = (str(OWL), str(RDF), str(RDFS))
    undeclared = {
        predicate
        for predicate in graph.predicates()
        if predicate not in declared and not str(predicate).startswith(built_in)
    }
    assert not undeclared


def test_every_named_class_and_property_in_an_axiom_is_declared() -> None:
    assert not found(
        """{ ?s rdfs:subClassOf|owl:equivalentClass|owl:someValuesFrom|owl:onClass ?it }
           UNION { ?s rdfs:domain ?it }
           UNION { ?p a owl:ObjectProperty ; rdfs:range ?it }
           UNION { ?s owl:intersectionOf|owl:unionOf ?l . ?l rdf:rest*/rdf:first ?it }
           FILTER(isIRI(?it)) FILTER NOT EXISTS { ?it a owl:Class }"""
    )
    assert not found(
        """{ ?s owl:onProperty|rdfs:subPropertyOf|owl:inverseOf|owl:propertyDisjointWith ?it }
           UNION { ?s owl:propertyChainAxiom ?l . ?l rdf:rest*/rdf:first ?it }
           FILTER NOT EXISTS { ?it a owl:ObjectProperty }"""
    )


def test_a_datatype_is_one_that_every_reasoner_knows() -> None:
    allowed = {RDFS.Literal, XSD.boolean, XSD.integer, XSD.string}
    graph = parsed(CORE)
    for one in graph.subjects(RDF.type, OWL.DatatypeProperty):
        assert set(graph.objects(one, RDFS.range)) <= allowed, one


def composite() -> set[URIRef]:
    """The properties that are not simple: transitive, made by a chain, or above one of these."""
    graph = parsed(CORE)
    result = set(graph.subjects(RDF.type, OWL.TransitiveProperty))
    result |= set(graph.subjects(OWL.propertyChainAxiom, None))
    while True:
        above = {up for one in result for up in graph.objects(one, RDFS.subPropertyOf)}
        inverse = {other for one in result for other in graph.objects(one, OWL.inverseOf)}
        inverse |= {other for one in result for other in graph.subjects(OWL.inverseOf, one)}
        if above | inverse <= result:
            return {one for one in result if isinstance(one, URIRef)}
        result |= above | inverse


def test_only_simple_properties_are_counted_functional_or_disjoint() -> None:
    graph = parsed(CORE)
    simple_only: set[object] = set()
    for kind in (
        OWL.FunctionalProperty,
        OWL.InverseFunctionalProperty,
        OWL.IrreflexiveProperty,
        OWL.AsymmetricProperty,
    ):
        simple_only |= set(graph.subjects(RDF.type, kind))
    for subject, value in graph.subject_objects(OWL.propertyDisjointWith):
        simple_only |= {subject, value}
    for count in (OWL.minQualifiedCardinality, OWL.maxQualifiedCardinality, OWL.cardinality):
        for restriction in graph.subjects(count, None):
            simple_only.add(graph.value(restriction, OWL.onProperty))
    assert not simple_only & composite()


def test_the_chains_are_regular() -> None:
    """No chain leads, through others, back to the property it makes (but as its last or first)."""
    graph = parsed(CORE)
    needs: dict[object, set[object]] = {}
    for made, cell in graph.subject_objects(OWL.propertyChainAxiom):
        links = list(Collection(graph, cell))
        inside = links[1:] if links[0] == made else links[:-1] if links[-1] == made else links
        assert made not in inside
        needs.setdefault(made, set()).update(inside)
    for lower, upper in graph.subject_objects(RDFS.subPropertyOf):
        needs.setdefault(upper, set()).add(lower)
    assert all(one not in reached(one, needs) for one in needs)


def reached(start: object, needs: dict[object, set[object]]) -> set[object]:
    result: set[object] = set()
    ahead = set(needs.get(start, ()))
    while ahead:
        one = ahead.pop()
        if one not in result:
            result.add(one)
            ahead |= needs.get(one, set())
    return result


def test_a_blank_node_belongs_to_one_axiom() -> None:
    graph = parsed(CORE)
    for node in {value for value in graph.objects() if isinstance(value, BNode)}:
        assert len(list(graph.subjects(None, node))) == 1


def test_every_concept_that_an_axiom_names_is_in_its_scheme() -> None:
    known = {
        str(subject)
        for path in (FOLDER / "vocab").glob("*.ttl")
        for subject in parsed(path).subjects(SKOS.inScheme, None)
    }
    named = {
        str(part)
        for triple in parsed(CORE)
        for part in triple
        if isinstance(part, URIRef) and "/coprod/vocab/" in str(part)
    }
    assert named <= known


# Alignments


@pytest.mark.parametrize("path", ALIGNMENTS, ids=lambda path: path.name)
def test_every_mapping_has_a_justification_and_starts_at_a_term(path: Path) -> None:
    graph = parsed(path)
    mappings = {
        triple
        for triple in graph
        if isinstance(triple[0], URIRef) and str(triple[0]).startswith(CP) and triple[1] != RDF.type
    }
    assert mappings
    justified = set()
    for axiom in graph.subjects(RDF.type, OWL.Axiom):
        assert graph.value(axiom, URIRef(expand("sssom:mapping_justification")))
        assert str(graph.value(axiom, RDFS.comment)).endswith(".")
        justified.add(
            (
                graph.value(axiom, OWL.annotatedSource),
                graph.value(axiom, OWL.annotatedProperty),
                graph.value(axiom, OWL.annotatedTarget),
            )
        )
    assert mappings == justified
    assert {str(subject) for subject, _, _ in mappings} <= terms()


def test_the_core_merged_with_all_alignments_declares_everything_as_one_kind() -> None:
    """What takes a merged ontology out of OWL 2 DL: a property that is undeclared, or two kinds."""
    merged = Graph()
    for path in (CORE, *ALIGNMENTS):
        merged += parsed(path)
    for subject in set(merged.subjects(RDF.type, None)):
        assert sum((subject, RDF.type, kind) in merged for kind in KINDS) <= 1, subject
    mapped = (OWL.equivalentClass, RDFS.subClassOf, RDFS.subPropertyOf, SKOS.closeMatch)
    for predicate in (*mapped, SKOS.relatedMatch):
        for subject, target in merged.subject_objects(predicate):
            if isinstance(target, URIRef) and str(subject).startswith(CP):
                kinds = {kind for kind in KINDS if (target, RDF.type, kind) in merged}
                assert kinds, f"{target} is not declared"


@pytest.mark.parametrize("fault", ["", "cp:claimedBy a owl:DatatypeProperty ."])
def test_the_core_merged_with_all_alignments_is_within_owl_2_dl_for_robot(
    fault: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("java")
    require("robot")
    extra = tmp_path / "extra.ttl"
    extra.write_text(f"PREFIX cp: <{CP}> PREFIX owl: <{OWL}> {fault}", encoding="utf-8")
    inputs = [CORE, *ALIGNMENTS, extra]
    report = tmp_path / "report.txt"
    command = [str(java()), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += ["-cp", f"{os.environ['COPROD_ROBOT']}/*", ROBOT, "merge"]
    command += [part for path in inputs for part in ("--input", str(path))]
    command += ["validate-profile", "--profile", "DL", "--output", str(report)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    said = f"{ran.stdout}{ran.stderr}{report.read_text() if report.exists() else ''}"
    assert (ran.returncode == 0) is not bool(fault), said
    assert ("Cannot pun between properties" in said) is bool(fault), said


def test_the_table_of_mappings_says_what_the_alignments_say() -> None:
    lines = (FOLDER / "alignments" / "coprod.sssom.tsv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    told = {tuple(dict(zip(header, row, strict=True))[name] for name in header[:3]) for row in rows}
    written = {
        tuple(shorten(str(graph.value(axiom, part))) for part in parts)
        for graph in map(parsed, ALIGNMENTS)
        for axiom in graph.subjects(RDF.type, OWL.Axiom)
        for parts in [(OWL.annotatedSource, OWL.annotatedProperty, OWL.annotatedTarget)]
    }
    assert told == written
    assert len(rows) == len(told)


def test_the_core_imports_nothing() -> None:
    assert not list(parsed(CORE).objects(None, OWL.imports))
