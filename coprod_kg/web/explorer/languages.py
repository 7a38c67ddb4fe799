"""Translation of the pages: catalogues by language, offered to the templates."""

from typing import Any

from flask import Flask, g, has_request_context

from coprod_kg.web.explorer.page import LANGUAGES

__all__ = ["register"]


def register(app: Flask) -> None:
    """Give the templates ``_``, ``ngettext`` and ``language``."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    app.context_processor(_language)


def _language() -> dict[str, Any]:
    language = g.get("language") if has_request_context() else None
    return {"language": language or LANGUAGES[0]}
