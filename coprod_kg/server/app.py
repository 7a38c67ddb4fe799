"""The ASGI application of one web process, loaded as ``coprod_kg.server.app:app``.

``COPROD_RUN`` names the directory of the store's sockets; the other settings come from
``COPROD_*`` as everywhere. A web process whose parent is gone ends itself: it would hold the port
and answer for a service that is no longer there.
"""

import multiprocessing
import os
import threading
import time
from pathlib import Path

from coprod_kg.errors import WrongUsage
from coprod_kg.queries.ask import near_texts
from coprod_kg.server.asgi import HttpServer
from coprod_kg.server.fast_lookup import FastLookup
from coprod_kg.settings import Settings
from coprod_kg.store.local import LocalStore
from coprod_kg.web import create_app, metrics, self_assessment

__all__ = ["app"]

_EVERY_SECONDS = 0.5
_PREPARED_AFTER_SECONDS = 5.0
"""Seconds after its start: before, a process answers its first requests, or is stopped again."""


def _run_directory() -> Path:
    run = os.environ.get("COPROD_RUN")
    if not run:
        raise WrongUsage(
            "COPROD_RUN is not set", fix="It names the directory of the store's sockets."
        )
    return Path(run)


def _end_with(parent: int) -> None:
    """End this process as soon as the one that forked it is not its parent any more."""
    while os.getppid() == parent:
        time.sleep(_EVERY_SECONDS)
    os._exit(1)


# The parent that multiprocessing noted at the fork: `os.getppid` may name another one by now.
forked_by = multiprocessing.parent_process()
if forked_by is not None and forked_by.pid is not None:
    threading.Thread(target=_end_with, args=(forked_by.pid,), daemon=True, name="parent").start()
metrics.forget_dead()
settings = Settings.load()
run = _run_directory()
store = LocalStore(run, settings, None if settings.store else near_texts(settings))
application = create_app(store, settings, run)
preparing = threading.Timer(_PREPARED_AFTER_SECONDS, self_assessment.prepare, (application,))
preparing.daemon = True
preparing.start()
# An engine's answer is waited for in a thread; the event loop asks only workers of this machine.
quick = None if settings.store else FastLookup(application.config["SITE"], store)
app = HttpServer(application, settings, quick)
