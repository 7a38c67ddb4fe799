"""Worlds for tests of the reasoning."""
