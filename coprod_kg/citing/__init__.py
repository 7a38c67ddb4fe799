"""How an answer of a saved query is cited, compared and taken away; only `asking` asks a store."""
