"""The HTTP server: the ASGI application that granian runs, its processes, and quick lookups."""
