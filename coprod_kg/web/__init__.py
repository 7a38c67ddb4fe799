"""The Flask application: one blueprint for each family of routes."""

from pathlib import Path

from flask import Flask

from coprod_kg.access import Private, Tokens
from coprod_kg.queries.ask import prepare_all
from coprod_kg.queries.library import load_all, views
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store
from coprod_kg.store.changes import Removed
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.prepared import PreparedAnswers
from coprod_kg.web import (
    assessments,
    authorisation,
    catalogue,
    check,
    datasets,
    documentation,
    dumps,
    errors,
    explorer,
    graphs,
    headers,
    health,
    linked_data,
    model,
    problems,
    proposals,
    queries,
    reconcile,
    self_assessment,
    sign_in,
    sparql,
    submissions,
    versions,
)
from coprod_kg.web.cache import AnswerCache
from coprod_kg.web.client_slots import Limits, slots
from coprod_kg.web.explorer import languages
from coprod_kg.web.gauges import Present
from coprod_kg.web.name_index import Indexes
from coprod_kg.web.replies import DownloadLimits
from coprod_kg.web.saved_questions import SavedQuestions
from coprod_kg.web.site import Site
from coprod_kg.web.upload import FormRequest

__all__ = ["create_app"]

_FAMILIES = (
    explorer,
    self_assessment,
    proposals,
    sparql,
    graphs,
    queries,
    linked_data,
    assessments,
    model,
    problems,
    catalogue,
    datasets,
    check,
    dumps,
    reconcile,
    versions,
    submissions,
    documentation,
    sign_in,
    health,
)


def create_app(store: Store, settings: Settings, run: Path | None = None) -> Flask:
    """The application over a store.

    Args:
        store: where every question goes.
        settings: limits and names.
        run: the folder that the web processes share while they run, or None for one alone.

    Raises:
        ModelError: a saved query is at fault.
    """
    site = _site(store, settings, run)
    app = Flask(__name__)
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.body_mb * 1024**2
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.body_mb * 1024**2
    app.config["SETTINGS"] = settings
    app.config["SITE"] = site
    app.config["DOWNLOAD_LIMITS"] = DownloadLimits.of(settings)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    app.url_map.redirect_defaults = False
    languages.register(app)
    errors.register(app)
    headers.register(app)
    authorisation.guard(app, site.tokens, site.private, settings)
    sign_in.offer(app, site)
    for family in _FAMILIES:
        app.register_blueprint(family.blueprint(site))
    return app


def _site(store: Store, settings: Settings, run: Path | None) -> Site:
    saved = SavedQuestions(load_all(settings.queries), Collection(store, settings), store)
    kinds = (Limits.queries(settings), Limits.checks(settings), Limits.charts(settings))
    admitted, checks, charts = (slots(run, limits) for limits in kinds)
    lineage = store.identity().lineage  # read once, before anything is asked
    prepare_all((*saved.fixed.values(), *views().values()), settings)
    return Site(
        store,
        settings,
        saved,
        views(),
        Tokens(settings.data),
        Private(settings.data),
        admitted,
        checks,
        charts,
        AnswerCache(settings.cache_mb),
        PreparedAnswers(settings.data, lineage),
        Present(settings.data, run, (admitted, checks, charts)),
        Removed(DataDirectory(settings.data).changes),
        Indexes(),
    )
