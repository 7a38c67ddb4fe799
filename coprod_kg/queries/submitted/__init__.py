"""Saved queries that curators submit, kept as data of the store."""
