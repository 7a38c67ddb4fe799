"""Bringing a prepared answer up to date from the part of the data that commits touched."""
