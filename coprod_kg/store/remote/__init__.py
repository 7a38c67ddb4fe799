"""A SPARQL engine that others run, paired with the data directory of each of our machines."""
