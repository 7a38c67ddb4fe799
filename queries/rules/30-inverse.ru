#+ summary: What a property says one way, its inverse says the other way.
PREFIX owl: <http://www.w3.org/2002/07/owl#>
INSERT { ?object ?inverse ?subject }
WHERE {
  { ?property owl:inverseOf ?inverse } UNION { ?inverse owl:inverseOf ?property }
  ?subject ?property ?object .
  FILTER (isIRI(?property) && isIRI(?inverse) && isIRI(?object))
}
