#+ summary: What is in a class is in every class above it.
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
INSERT { ?thing a ?wider }
WHERE {
  ?class rdfs:subClassOf ?wider .
  ?thing a ?class .
  FILTER (isIRI(?class) && isIRI(?wider))
}
