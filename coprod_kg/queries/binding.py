"""Binding of parameter values into a saved query's text, as serialised RDF terms."""

from collections.abc import Iterable, Mapping, Sequence

from coprod_kg.errors import WrongUsage
from coprod_kg.model.schemes import Scheme
from coprod_kg.model.terms import serialise
from coprod_kg.queries.body import ParameterSlot
from coprod_kg.queries.parameters import Parameter, did_you_mean

__all__ = ["bound_terms", "filled"]


def bound_terms(
    name: str,
    parameters: Iterable[Parameter],
    values: Mapping[str, Sequence[str]],
    place: tuple[str, Mapping[str, Scheme]],
) -> dict[str, str]:
    """Parameter → the terms of its values, written for SPARQL; only those that have any.

    Args:
        name: of the saved query.
        parameters: what it takes.
        values: parameter → values as a person writes them.
        place: what slugs of things are resolved against, and the concept schemes.

    Raises:
        WrongUsage: lists every bad parameter with what is permitted.
    """
    known = {parameter.name: parameter for parameter in parameters}
    problems = [_unknown(name, known) for name in values if name not in known]
    bound: dict[str, str] = {}
    for parameter in known.values():
        given = parameter.taken(values.get(parameter.name, ()))
        terms, wrong = _terms(parameter, given, *place)
        problems += wrong or _count_mistakes(parameter, len(given))
        if terms:
            bound[parameter.name] = " ".join(terms)
    if problems:
        raise _refusal(name, problems)
    return bound


def filled(text: str, slots: Iterable[ParameterSlot], bound: Mapping[str, str]) -> str:
    """The text of a query with terms in its slots."""
    for slot in sorted(slots, key=lambda slot: slot.start, reverse=True):
        if slot.name in bound:
            text = f"{text[: slot.start]}{bound[slot.name]}{text[slot.end :]}"
    return text


def _terms(
    parameter: Parameter, given: Iterable[str], base_iri: str, vocabulary: Mapping[str, Scheme]
) -> tuple[list[str], list[str]]:
    terms: list[str] = []
    problems: list[str] = []
    for text in given:
        try:
            terms.append(serialise(parameter.term(text, base_iri, vocabulary)))
        except WrongUsage as error:
            # Some say the same twice: what it is not, and to write that.
            again = (error.fix or "").removeprefix("Write ").rstrip(".") in error.what
            fix = "" if again else f". {error.fix}"
            problems.append(f"{parameter.name}: {error.what}{fix}")
    return list(dict.fromkeys(terms)), problems


def _count_mistakes(parameter: Parameter, count: int) -> list[str]:
    if parameter.single and count > 1:
        return [f"{parameter.name}: takes one value, found {count}"]
    if parameter.required and not count:
        return [f"{parameter.name}: has no value. Give {parameter.takes}"]
    return []


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    permitted = ", ".join(known) or "none at all"
    return f"{name}: there is no such parameter{did_you_mean(name, known)}. Permitted: {permitted}"


def _refusal(name: str, problems: Sequence[str]) -> WrongUsage:
    count = "1 parameter does" if len(problems) == 1 else f"{len(problems)} parameters do"
    return WrongUsage(f"{count} not fit\n" + "\n".join(problems), where=f"query {name}")
