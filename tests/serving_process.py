"""A store's processes in a process of their own, so that a test can kill any of them.

    python -m tests.serving_process DATA

Answers every line of its input with the process numbers by name, and runs until it ends.
"""

import json
import os
import sys
from pathlib import Path

from coprod_kg.settings import Settings
from coprod_kg.store.local import serving
from tests.working import query_workers


def main() -> None:
    settings = Settings.load({"data": Path(sys.argv[1]), "workers": 2, "keep_versions": 3}, {})
    with serving(settings) as service:
        for _ in sys.stdin:
            workers = enumerate(query_workers(service.supervisor))
            pids = {
                "supervisor": os.getpid(),
                **service.supervisor.pids(),
                **{f"worker-{number}": pid for number, pid in workers},
            }
            sys.stdout.write(json.dumps(pids) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
