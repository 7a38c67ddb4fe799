"""Inference from the ontology's axioms and rules, and reasoning by HermiT and Pellet."""
