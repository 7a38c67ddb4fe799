"""The saved queries in a notebook: connect, ask, take a frame; it never changes data."""

from coprod_kg.client.citation import LazyCitation
from coprod_kg.client.connection import CallableQuestion, Connection, connect
from coprod_kg.client.result import Result

__all__ = ["CallableQuestion", "Connection", "LazyCitation", "Result", "connect"]
