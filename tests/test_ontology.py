"""The ontology as a text: canonical, in OWL 2 DL, and free of the OOPS! pitfalls a query can see.

Each query looks for what is wrong and must find nothing. The pitfalls are named by their number in
the catalogue of OOPS! (https://oops.linkeddata.es/catalogue.jsp).
"""

import importlib.util
from functools import cache
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import OWL, RDF, RDFS, SKOS, XSD, BNode, Graph, Literal, URIRef, Variable
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.files import files
from coprod_kg.namespaces import expand, prefixes, shorten, sparql_prologue, term, terms

FOLDER = files("ontology")
CORE = FOLDER / "coprod.ttl"
CP = prefixes()["cp"]
ONTOLOGY = URIRef("https://w3id.org/coprod/ontology")
ALIGNMENTS = sorted((FOLDER / "alignments").glob("*.ttl"))
CANONICAL = [CORE, FOLDER / "prefixes.ttl", *ALIGNMENTS]


@cache
def parsed(path: Path) -> Graph:
    graph = Graph(bind_namespaces="none")
    graph.parse(path, format="turtle")
    return graph


def found(pattern: str, graph: Graph | None = None) -> list[str]:
    """The short names of what a pattern finds in the ontology as ``?it``, in order."""
    graph = graph or parsed(CORE)
    query = f"{sparql_prologue()}SELECT DISTINCT ?it WHERE {{ {pattern} }}"
    return sorted(shorten(str(binding[Variable("it")])) for binding in graph.query(query).bindings)


DECLARED = "?it rdfs:isDefinedBy <https://w3id.org/coprod/ontology> ."


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


@pytest.mark.parametrize("predicate", ["skos:prefLabel", "rdfs:label", "skos:definition"])
def test_every_term_has_it_once_in_english(predicate: str) -> None:
    graph = parsed(CORE)
    for iri in terms():
        values = [
            value
            for value in graph.objects(URIRef(iri), URIRef(expand(predicate)))
            if isinstance(value, Literal) and value.language == "en"
        ]
        assert len(values) == 1, shorten(iri)


def test_every_term_has_a_source_and_says_so_where_it_is_our_own_choice() -> None:
    assert not found(f"{DECLARED} FILTER NOT EXISTS {{ ?it dcterms:source ?source }}")
    assert not found(
        f"""{DECLARED} ?it dcterms:source <{ONTOLOGY}>
            FILTER NOT EXISTS {{ ?it skos:editorialNote ?note }}"""
    )


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


def test_names_are_read_without_the_heavy_libraries() -> None:
    for module in ("coprod_kg.files", "coprod_kg.namespaces"):
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text(encoding="utf-8")
        assert not any(name in text for name in ("import rdflib", "from rdflib", "owlready2"))


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
        if isinstance(triple[0], URIRef) and str(triple[0]).startswith(CP)
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


def test_the_core_imports_nothing() -> None:
    assert not list(parsed(CORE).objects(None, OWL.imports))


# OOPS!


def test_p02_p12_no_two_classes_or_properties_are_said_to_be_the_same() -> None:
    assert not found(
        "?it owl:equivalentClass|owl:equivalentProperty ?other FILTER(isIRI(?it) && isIRI(?other))"
    )


def test_p03_no_property_is_called_is() -> None:
    assert not found(f'{DECLARED} FILTER(LCASE(STRAFTER(STR(?it), "#")) = "is")')


def test_p04_every_term_is_connected_to_another() -> None:
    unconnected = found(
        f"""{DECLARED} ?it a owl:Class
            FILTER NOT EXISTS {{ ?it rdfs:subClassOf|owl:equivalentClass ?a }}
            FILTER NOT EXISTS {{ ?b rdfs:domain|rdfs:range|rdfs:subClassOf ?it }}"""
    )
    assert not unconnected


def test_p05_an_inverse_swaps_domain_and_range() -> None:
    assert not found(
        """?it owl:inverseOf ?other . ?it rdfs:domain ?d ; rdfs:range ?r .
           FILTER NOT EXISTS { ?other rdfs:domain ?r ; rdfs:range ?d }"""
    )


def test_p06_no_class_or_property_is_above_itself() -> None:
    assert not found("?it rdfs:subClassOf+ ?it FILTER(isIRI(?it))")
    assert not found("?it rdfs:subPropertyOf+ ?it")


def test_p07_no_class_merges_two_ideas() -> None:
    assert not found(
        f'{DECLARED} ?it a owl:Class FILTER(REGEX(STRAFTER(STR(?it), "#"), "[a-z](And|Or)[A-Z]"))'
    )


def test_p08_every_term_is_annotated() -> None:
    assert not found(
        f"""{DECLARED} FILTER NOT EXISTS {{
            ?it rdfs:label ?l ; skos:prefLabel ?p ; skos:definition ?d }}"""
    )


def test_p10_the_top_classes_are_disjoint_from_one_another_where_they_can_be() -> None:
    graph = parsed(CORE)
    disjoint: set[Node] = {
        member for cell in graph.objects(None, OWL.members) for member in Collection(graph, cell)
    }
    for name in ("Initiative", "Claim", "Evidence", "PublicService", "Hypothesis", "Criterion"):
        assert URIRef(term(name)) in disjoint
    for kind in graph.subjects(RDFS.subClassOf, SKOS.Concept):
        assert kind in disjoint, kind


def test_p11_every_property_has_a_domain_and_a_range() -> None:
    kinds = "VALUES ?kind { owl:ObjectProperty owl:DatatypeProperty }"
    assert not found(
        f"{DECLARED} ?it a ?kind {kinds} FILTER NOT EXISTS {{ ?it rdfs:domain ?d ; rdfs:range ?r }}"
    )


def test_p13_p25_p26_p27_p28_no_property_is_its_own_inverse_or_wrongly_symmetric() -> None:
    assert not found("?it owl:inverseOf ?it")
    assert not found("?it owl:inverseOf ?other . ?it a owl:SymmetricProperty")
    assert not found("?it owl:equivalentProperty ?other")
    assert not found(
        "?it a owl:SymmetricProperty ; rdfs:domain ?d ; rdfs:range ?r FILTER(?d != ?r)"
    )


def test_p14_p15_p16_no_class_is_defined_by_what_it_is_not_or_by_all_values_alone() -> None:
    assert not found("?it owl:complementOf ?other")
    assert not found("?it owl:allValuesFrom ?other")


def test_p18_p19_no_property_has_two_domains_or_two_ranges() -> None:
    assert not found("?it rdfs:domain ?a, ?b FILTER(?a != ?b)")
    assert not found("?it rdfs:range ?a, ?b FILTER(?a != ?b)")


def test_p20_a_definition_is_not_the_label() -> None:
    assert not found("?it skos:definition ?d ; rdfs:label ?l FILTER(STRLEN(?d) < STRLEN(?l) + 10)")


def test_p21_no_class_is_a_rest() -> None:
    assert not found(f'{DECLARED} FILTER(REGEX(STRAFTER(STR(?it), "#"), "^(Other|Misc|Unknown)"))')


def test_p22_classes_begin_with_a_capital_and_properties_do_not() -> None:
    assert not found(f'{DECLARED} ?it a owl:Class FILTER(!REGEX(STR(?it), "#[A-Z]"))')
    assert not found(
        f"""{DECLARED} ?it a ?kind VALUES ?kind {{ owl:ObjectProperty owl:DatatypeProperty }}
            FILTER(!REGEX(STR(?it), "#[a-z]"))"""
    )


def test_p24_no_class_is_defined_by_itself() -> None:
    assert not found(
        "?it owl:equivalentClass/(owl:intersectionOf|owl:unionOf|rdf:first|rdf:rest)+ ?it"
    )


def test_p29_what_is_transitive_leads_from_a_class_to_the_same_class() -> None:
    assert not found(
        "?it a owl:TransitiveProperty ; rdfs:domain ?d ; rdfs:range ?r FILTER(?d != ?r)"
    )


def test_p30_p32_no_two_terms_share_a_label() -> None:
    assert not found(
        "?it skos:prefLabel ?l . ?b skos:prefLabel ?m "
        "FILTER(STR(?it) < STR(?b) && LCASE(STR(?l)) = LCASE(STR(?m)) && "
        "EXISTS { ?it a owl:Class . ?b a owl:Class })"
    )


def test_p31_no_equivalent_class_says_that_a_subclass_is_the_same() -> None:
    assert not found("?it owl:equivalentClass ?other ; rdfs:subClassOf ?other")


def test_p33_a_chain_has_two_links_or_more() -> None:
    graph = parsed(CORE)
    for cell in graph.objects(None, OWL.propertyChainAxiom):
        assert len(Collection(graph, cell)) >= 2


def test_p34_p35_nothing_is_used_without_a_type() -> None:
    assert not found(
        """?x rdfs:domain|rdfs:subClassOf|rdfs:subPropertyOf|owl:onProperty ?it
           FILTER NOT EXISTS { ?it a ?type }"""
    )


def test_p36_no_iri_ends_with_a_file_extension() -> None:
    assert not str(ONTOLOGY).endswith((".ttl", ".owl", ".rdf"))


def test_p38_p41_the_ontology_is_declared_and_has_a_licence() -> None:
    assert (ONTOLOGY, RDF.type, OWL.Ontology) in parsed(CORE)
    licence = parsed(CORE).value(ONTOLOGY, DCTERMS.license)
    assert licence == URIRef("https://creativecommons.org/licenses/by/4.0/")


def test_p39_p40_no_namespace_is_blank_or_taken_from_others() -> None:
    assert all(expand(f"{prefix}:x").startswith("http") for prefix in prefixes())
    hijacked = found(
        f"""?it owl:equivalentClass|rdfs:domain|rdfs:range|rdfs:subClassOf ?x
            FILTER(isIRI(?it) && !STRSTARTS(STR(?it), "{CP}"))"""
    )
    restated = ["org:OrganizationalUnit", "org:hasUnit", "org:unitOf"]
    assert hijacked == restated, "only what their own vocabularies say is repeated"
