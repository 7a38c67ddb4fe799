"""Saved queries: header, parameters, lint, evaluation, citation, differences, runs."""
