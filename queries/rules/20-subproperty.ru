#+ summary: What a property says, every property above it says too.
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
INSERT { ?subject ?wider ?object }
WHERE {
  ?property rdfs:subPropertyOf ?wider .
  ?subject ?property ?object .
  FILTER (isIRI(?property) && isIRI(?wider) && ?property != ?wider)
}
