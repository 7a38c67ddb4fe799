"""Values for the page templates, made from answers of the store."""
