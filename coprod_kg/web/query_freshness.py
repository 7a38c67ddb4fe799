"""Last runs of the saved queries, for their pages and their list."""

from coprod_kg.queries.citation import query_hash
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.runs.ledger import RunLedger
from coprod_kg.queries.runs.run import Run
from coprod_kg.web.site import Site

__all__ = ["last_run", "last_runs"]


def last_runs(site: Site) -> dict[str, Run]:
    """The last run of every saved query as it is now: name → run."""
    runs = RunLedger(site.settings.data).runs()
    newest = site.store.version() if runs else 0
    return {
        name: run
        for name, run in runs.items()
        if name in site.queries and _counts(run, site.queries[name], newest)
    }


def last_run(site: Site, query: SavedQuery) -> Run | None:
    """The last run of one saved query, or None where it was not run yet."""
    run = RunLedger(site.settings.data).runs().get(query.name)
    return run if run is not None and _counts(run, query, site.store.version()) else None


def _counts(run: Run, query: SavedQuery, newest: int) -> bool:
    """Whether the run was of this text, and of a version that this history of the data has."""
    return run.version <= newest and run.query_sha256 == query_hash(query)
