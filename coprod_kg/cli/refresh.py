"""``coprod-kg refresh``: runs the saved queries now, to see which have rows."""

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.client.sources import open_store
from coprod_kg.errors import NotFound
from coprod_kg.queries.parameters import did_you_mean
from coprod_kg.queries.runs.ledger import RunLedger
from coprod_kg.queries.runs.runner import questions, run_now
from coprod_kg.settings import Settings

__all__ = ["refresh"]


@click.command(epilog="Example: coprod-kg refresh initiatives-by-stage")
@setting_options("data", "base_iri", "query_seconds", "service_allow", "service_seconds", "queries")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def refresh(settings: Settings, *, names: tuple[str, ...]) -> None:
    """Run the saved queries now, all or those NAMEd, and say how many rows each has.

    The service does the same by itself after every new version. Each is run with its default
    parameters; its page shows what came of it.
    """
    with open_store(settings) as store:
        queries, ledger = questions(store, settings), RunLedger(settings.data)
        for name in names:
            if name not in queries:
                raise NotFound(
                    f"there is no saved query {name!r}{did_you_mean(name, queries)}",
                    fix="coprod-kg queries lists them all.",
                )
        width = max(map(len, names or queries), default=0)
        for name in names or queries:
            run = run_now(store, settings, queries[name], ledger)
            outcome = f"version {run.version}, {run.seconds:.2f} s, {run.outcome}"
            click.echo(f"{name:<{width}}  {outcome}")
