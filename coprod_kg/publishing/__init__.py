"""What this installation publishes of itself: ontology pages, service description, catalogue."""
