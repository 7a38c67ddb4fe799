"""``coprod-kg check-ontology``: the model checked by the reasoner HermiT."""

import json
from collections.abc import Iterable
from pathlib import Path

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import shorten
from coprod_kg.reasoning.consistency import Check, check
from coprod_kg.reasoning.hierarchy import Branch, outline
from coprod_kg.settings import Settings

__all__ = ["check_ontology"]


@click.command(epilog="Example: coprod-kg check-ontology examples/cases/wigan-council.ttl")
@setting_options("base_iri")
@click.argument("data", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_ontology(settings: Settings, data: tuple[Path, ...], *, as_json: bool) -> None:
    """Check that the ontology is consistent, and print the inferred classes.

    Give RDF files to check them together with it. Exit code 1 says that it is inconsistent or
    that a class can have no instance; the axioms that clash are then printed.
    """
    outcome = check(files("ontology"), data, settings.base_iri)
    click.echo(json.dumps(_as_values(outcome), indent=2) if as_json else "\n".join(_lines(outcome)))
    if not outcome.sound:
        raise click.exceptions.Exit(1)


def _lines(outcome: Check) -> Iterable[str]:
    if outcome.sound:
        yield "Consistent; every class can have an instance."
    elif outcome.consistent:
        empty = ", ".join(shorten(iri) for iri in outcome.unsatisfiable)
        yield f"Consistent, but these classes can have no instance: {empty}"
    else:
        yield "Inconsistent: what is said cannot all hold."
    for clash in outcome.clashes:
        yield "\nThese clash:"
        yield from (f"  {axiom}" for axiom in clash)
    if not outcome.sound and not outcome.clashes:
        yield (
            "\nPellet, which names the axioms that clash, could not say which; it needs Java 25: "
            "pip install 'coprod-kg[reasoner]'"
        )
    if outcome.hierarchy:
        yield "\nThe inferred classes:"
        yield from (f"  {line}" for line in outline(outcome.hierarchy))


def _as_values(outcome: Check) -> dict[str, object]:
    return {
        "consistent": outcome.consistent,
        "unsatisfiable": list(outcome.unsatisfiable),
        "clashes": [list(clash) for clash in outcome.clashes],
        "hierarchy": [_branch(branch) for branch in outcome.hierarchy],
    }


def _branch(branch: Branch) -> dict[str, object]:
    return {
        "class": branch.iri,
        "equivalents": list(branch.equivalents),
        "subclasses": [_branch(below) for below in branch.branches],
    }
