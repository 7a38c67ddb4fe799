"""Each form of axiom that has a rule, and each that has none, on an ontology of a few lines."""

import pyoxigraph as ox
import pytest

from coprod_kg.errors import ModelError
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import prologue
from coprod_kg.reasoning.axioms import Axioms
from coprod_kg.reasoning.rules import Rules

NAMES = f"{prologue()}PREFIX : <urn:x:>\n"


def read(text: str) -> list[ox.Triple]:
    return [one.triple for one in ox.parse(NAMES + text, format=ox.RdfFormat.TURTLE)]


def concluded(axioms: str, said: str) -> set[str]:
    """What follows, written with the local names alone."""
    found = Rules([], read(axioms)).infer(read(said))
    return {" ".join(str(part)[1:-1].replace("urn:x:", "") for part in one) for one in found}


def is_a(thing: str, kind: str) -> str:
    return f"{thing} http://www.w3.org/1999/02/22-rdf-syntax-ns#type {kind}"


def some(inside: str) -> str:
    return f":A owl:equivalentClass [ owl:onProperty :p ; {inside} ] ."


FORMS = {
    "subClassOf": (":A rdfs:subClassOf :B .", ":x a :A .", {is_a("x", "B")}),
    "subClassOf an expression": (
        ":A rdfs:subClassOf [ owl:onProperty :p ; owl:hasValue :v ] .",
        ":x a :A .",
        {"x p v"},
    ),
    "equivalentClass of names": (":A owl:equivalentClass :B .", ":x a :B .", {is_a("x", "A")}),
    "hasValue": (some("owl:hasValue :v"), ":x :p :v .", {is_a("x", "A")}),
    "someValuesFrom a class": (
        some("owl:someValuesFrom :B"),
        ":x :p :y . :y a :B .",
        {is_a("x", "A")},
    ),
    "someValuesFrom values told one by one": (
        some("owl:someValuesFrom [ owl:oneOf ( :v :w ) ]"),
        ":x :p :w .",
        {is_a("x", "A")},
    ),
    "someValuesFrom anything": (
        some("owl:someValuesFrom owl:Thing"),
        ":x :p :y .",
        {is_a("x", "A")},
    ),
    "an unqualified count of one": (some("owl:minCardinality 1"), ":x :p :y .", {is_a("x", "A")}),
    "a count of two": (
        some("owl:minQualifiedCardinality 2 ; owl:onClass :B"),
        ":x :p :y , :z . :y a :B . :z a :B .",
        {is_a("x", "A")},
    ),
    "a count of two with only one of the class": (
        some("owl:minQualifiedCardinality 2 ; owl:onClass :B"),
        ":x :p :y , :z . :y a :B .",
        set(),
    ),
    "intersectionOf": (
        ":A owl:equivalentClass [ owl:intersectionOf ( :B :C ) ] .",
        ":x a :B , :C .",
        {is_a("x", "A")},
    ),
    "unionOf": (
        ":A owl:equivalentClass [ owl:unionOf ( :B :C ) ] .",
        ":x a :C .",
        {is_a("x", "A")},
    ),
    "what is left of a union": (
        ":A owl:equivalentClass [ owl:unionOf ( :B :C ) ] . :D owl:disjointWith :C .",
        ":x a :A , :D .",
        {is_a("x", "B")},
    ),
    "what all of a union are": (
        ":p rdfs:domain [ owl:unionOf ( :B :C ) ] . :B rdfs:subClassOf :D . "
        ":C rdfs:subClassOf :E . :E rdfs:subClassOf :D .",
        ":x :p :y .",
        {is_a("x", "D")},
    ),
    "a value that is there, but not named": (
        ":A rdfs:subClassOf [ owl:onProperty :p ; owl:someValuesFrom :B ] . "
        ":C owl:equivalentClass [ owl:onProperty :q ; owl:someValuesFrom :D ] . "
        ":p rdfs:subPropertyOf :q . :B rdfs:subClassOf :D .",
        ":x a :A .",
        {is_a("x", "C")},
    ),
    "domain": (":p rdfs:domain :A .", ':x :p "text" .', {is_a("x", "A")}),
    "range": (":p rdfs:range :A .", ":x :p :y .", {is_a("y", "A")}),
    "range of a text": (":p rdfs:range :A .", ':x :p "text" .', set()),
    "range that is a datatype": (":p rdfs:range xsd:date .", ":x :p :y .", set()),
    "subPropertyOf": (":p rdfs:subPropertyOf :q .", ":x :p :y .", {"x q y"}),
    "equivalentProperty": (":p owl:equivalentProperty :q .", ":x :q :y .", {"x p y"}),
    "inverseOf": (":p owl:inverseOf :q .", ":x :q :y .", {"y p x"}),
    "symmetric": (":p a owl:SymmetricProperty .", ":x :p :y .", {"y p x"}),
    "transitive": (
        ":p a owl:TransitiveProperty .",
        ":a :p :b . :b :p :c . :c :p :d .",
        {"a p c", "a p d", "b p d"},
    ),
    "a chain of three": (
        ":p owl:propertyChainAxiom ( :q :r :s ) .",
        ":a :q :b . :b :r :c . :c :s :d .",
        {"a p d"},
    ),
}


@pytest.mark.parametrize(("axioms", "said", "expected"), FORMS.values(), ids=FORMS)
def test_an_axiom_of_a_known_form_concludes(axioms: str, said: str, expected: set[str]) -> None:
    assert concluded(axioms, said) == expected


UNKNOWN = {
    "owl:allValuesFrom": some("owl:allValuesFrom :B"),
    "owl:complementOf": ":A owl:equivalentClass [ owl:complementOf :B ] .",
    "owl:maxCardinality": some("owl:maxCardinality 1"),
    "this restriction of urn:x:p": some("owl:minCardinality 3"),
    "owl:hasSelf": some("owl:hasSelf true"),
    "owl:InverseFunctionalProperty": ":p a owl:InverseFunctionalProperty .",
    "owl:ReflexiveProperty": ":p a owl:ReflexiveProperty .",
    "owl:hasKey": ":A owl:hasKey ( :p ) .",
    "owl:sameAs": ":a owl:sameAs :b .",
    "owl:disjointUnionOf": ":A owl:disjointUnionOf ( :B :C ) .",
    "a property without a name": ":p rdfs:subPropertyOf [ owl:inverseOf :q ] .",
    "a class expression that is no restriction of a named property": (
        ":A rdfs:subClassOf [ owl:oneOf ( :a :b ) ] ."
    ),
}


@pytest.mark.parametrize(("what", "axioms"), UNKNOWN.items(), ids=UNKNOWN)
def test_an_axiom_without_a_rule_is_named_and_refused(what: str, axioms: str) -> None:
    with pytest.raises(ModelError) as error:
        Axioms(read(axioms))
    assert error.value.what == f"no rule is known for {what}"
    assert error.value.fix


def test_every_axiom_of_the_ontology_has_a_rule() -> None:
    assert len(Axioms(Model.installed().background).rules) > 300


def test_nothing_is_concluded_about_the_terms_and_concepts_of_the_model() -> None:
    axioms = ":p rdfs:range :A . :v a :B . :q rdfs:subPropertyOf :p ."
    assert concluded(axioms, ":x :q :v .") == {"x p v"}
    assert concluded(axioms, ":x :q :w .") == {"x p w", is_a("w", "A")}


def test_a_concept_of_the_model_takes_part_in_what_is_concluded_of_data() -> None:
    axioms = f"{some('owl:someValuesFrom :B')} :v a :C . :C rdfs:subClassOf :B ."
    assert concluded(axioms, ":x :p :v .") == {is_a("x", "A")}


def test_a_class_that_is_in_another_by_its_definition_is_said_to_be_below_it() -> None:
    said = read(":A owl:equivalentClass [ owl:unionOf ( :B :C ) ] .")
    below = {str(one.subject) for one in Axioms(said).subclasses}
    assert below == {"<urn:x:B>", "<urn:x:C>"}
