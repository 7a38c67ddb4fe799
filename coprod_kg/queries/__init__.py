"""Saved queries: header, parameters, lint, answer, citation, differences, runs."""
