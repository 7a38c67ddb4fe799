"""The ontology is free of the OOPS! pitfalls that a query can see.

Each query looks for what is wrong and must find nothing. The pitfalls are named by their number in
the catalogue of OOPS! (https://oops.linkeddata.es/catalogue.jsp).
"""

from rdflib import OWL, RDF, RDFS, SKOS, URIRef
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from coprod_kg.model.namespaces import expand, prefixes, term
from tests.ontology.reading import CORE, CP, DECLARED, ONTOLOGY, found, parsed


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
    assert not found(
        """?it skos:definition ?d ; rdfs:label ?l
            FILTER(LANG(?d) = LANG(?l) && STRLEN(?d) < STRLEN(?l) + 10)"""
    )


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
    model, named = parsed(CORE), dict[str, set[Node]]()
    for it in model.subjects(RDF.type, OWL.Class):
        for label in model.objects(it, SKOS.prefLabel):
            named.setdefault(str(label).casefold(), set()).add(it)
    assert len(named) > 100  # in three languages
    assert not {label: terms for label, terms in named.items() if len(terms) > 1}


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
