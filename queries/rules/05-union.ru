#+ summary: The members of a union of classes are classes below it.
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
INSERT { ?member rdfs:subClassOf ?union }
WHERE {
  ?union owl:equivalentClass ?class .
  ?class owl:unionOf ?list .
  ?list rdf:rest*/rdf:first ?member .
  FILTER (isIRI(?union) && isIRI(?member))
}
