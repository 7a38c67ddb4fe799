"""Routes for operators and crawlers: ``/healthz``, ``/readyz``, ``/metrics``, ``/robots.txt``."""

from functools import partial

from flask import Blueprint, Response

from coprod_kg.web import metrics
from coprod_kg.web.address import root
from coprod_kg.web.site import Site

__all__ = ["blueprint"]


def blueprint(site: Site) -> Blueprint:
    """The routes for operators and crawlers."""
    routes = Blueprint("health", __name__)
    routes.add_url_rule("/healthz", endpoint="healthz", view_func=_healthz)
    routes.add_url_rule("/readyz", endpoint="readyz", view_func=partial(_readyz, site))
    routes.add_url_rule("/metrics", endpoint="metrics", view_func=partial(_metrics, site))
    routes.add_url_rule("/robots.txt", endpoint="robots", view_func=_robots)
    return routes


def _healthz() -> Response:
    """This process answers, whatever the store does."""
    return _text("alive\n")


def _readyz(site: Site) -> Response:
    """The store answers; where it does not, the error handler says so with a 503."""
    version = site.version()
    response = _text(f"ready, serving version {version}\n")
    response.headers["Dataset-Version"] = str(version)
    return response


def _metrics(site: Site) -> Response:
    """Numbers for Prometheus, over all web processes."""
    response = Response(metrics.exposition(site.version(), site.present))
    response.headers["Content-Type"] = metrics.CONTENT_TYPE_LATEST
    response.headers["Cache-Control"] = "no-store"
    return response


def _robots() -> Response:
    """Pages may be crawled; what computes may not."""
    lines = (
        "User-agent: *",
        "Disallow: /sparql?",
        "Disallow: /queries/*?",
        "Disallow: /dump/",
        "Allow: /",
        f"Sitemap: {root()}sitemap.xml",
    )
    response = _text("\n".join(lines) + "\n")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _text(text: str) -> Response:
    response = Response(text, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
