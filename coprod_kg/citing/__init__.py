"""How an answer of a saved query is cited, compared and taken away; it never asks the store."""
