"""Background process that runs the saved queries over each new version.

It waits some seconds after a commit, so that a burst of them is one round, runs one query at a
time, and rests after each while others need the processors, so that clients go first.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

from coprod_kg.access import Private
from coprod_kg.errors import CoprodError, Overloaded
from coprod_kg.queries.runs.ledger import RunLedger
from coprod_kg.queries.runs.maintenance import Maintenance
from coprod_kg.queries.runs.runner import prepare_views, questions, refresh
from coprod_kg.settings import Settings
from coprod_kg.store.local import LocalStore
from coprod_kg.store.prepared import PreparedAnswers
from coprod_kg.store.supervisor import follow_lifeline

__all__ = ["main", "rest"]

_PRIORITY: Final = 10
_REST: Final = 4
"""How many times as long as a query took the rest after it is where every processor is busy."""
_SETTLED_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 60.0
"""After something that kept it from running anything."""


def main() -> NoReturn:
    """Run what is due, until the parent leaves."""
    follow_lifeline()
    os.nice(_PRIORITY)
    settings = Settings.load()
    store = LocalStore(Path(os.environ["COPROD_RUN"]), settings)
    ledger = RunLedger(settings.data)
    private = Private(settings.data)
    maintenance: Maintenance | None = None
    last_state: tuple[object, ...] | None = None
    while True:
        time.sleep(_SETTLED_SECONDS)
        try:
            state = (store.version(), _last_changed(settings.queries), private.organisations())
            if state != last_state:
                if maintenance is None:  # the lineage stays as long as this process runs
                    lineage = store.identity().lineage
                    maintenance = Maintenance(PreparedAnswers(settings.data, lineage))
                answers = maintenance.answers
                if last_state is None or state[0] != last_state[0]:
                    answers.retain(store.version())
                for _, seconds in prepare_views(store, settings, answers):
                    rest(seconds)
                _round(store, settings, ledger, maintenance)
                last_state = state
        except Overloaded:
            continue  # clients go first
        except CoprodError as error:
            # While the service stops, its workers may be gone before this process is ended:
            # that is no fault to report.
            time.sleep(_SETTLED_SECONDS)
            sys.stderr.write(f"coprod-kg freshness: {error}\n")
            time.sleep(_AGAIN_SECONDS)


def _round(
    store: LocalStore, settings: Settings, ledger: RunLedger, maintenance: Maintenance
) -> None:
    for run in refresh(store, settings, questions(store, settings), ledger, maintenance):
        rest(run.seconds)


def rest(seconds: float) -> None:
    """Rest after a query that took so long; not at all where no processor but its own is busy."""
    busy = (os.getloadavg()[0] - 1) / (os.cpu_count() or 1)
    time.sleep(_REST * seconds * min(max(busy, 0.0), 1.0))


def _last_changed(own_folder: Path | None) -> int:
    """When the folder of own queries, or a file in it, was changed last."""
    paths = (
        [own_folder, *own_folder.glob("*.rq")]
        if own_folder is not None and own_folder.is_dir()
        else []
    )
    return max((path.stat().st_mtime_ns for path in paths), default=0)


if __name__ == "__main__":
    main()
