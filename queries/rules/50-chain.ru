#+ summary: Two properties in a row say what the property above their chain says.
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
INSERT { ?first ?property ?third }
WHERE {
  ?property owl:propertyChainAxiom ?list .
  ?list rdf:first ?one ; rdf:rest ?tail .
  ?tail rdf:first ?two ; rdf:rest rdf:nil .
  ?first ?one ?second .
  ?second ?two ?third .
}
