"""The address under which the public reaches this service; it never looks at a path."""

from flask import current_app, request

__all__ = ["root"]


def root() -> str:
    """The root with a slash at its end: what the setting says, or the request."""
    settings = current_app.config["SETTINGS"]
    return str(settings.root) if settings.public_url else request.url_root
