"""Client for notebooks: connect to a service or a data folder, ask, take a frame."""

from coprod_kg.client.citation import LazyCitation
from coprod_kg.client.connection import CallableQuestion, Connection, connect
from coprod_kg.client.result import Result

__all__ = ["CallableQuestion", "Connection", "LazyCitation", "Result", "connect"]
