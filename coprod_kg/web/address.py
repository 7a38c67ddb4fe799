"""The public root address of this service, from ``public-url`` or the request."""

from flask import current_app, request

__all__ = ["root"]


def root() -> str:
    """The root with a slash at its end: the setting ``public-url``, else as requested."""
    settings = current_app.config["SETTINGS"]
    return str(settings.root) if settings.public_url else request.url_root
