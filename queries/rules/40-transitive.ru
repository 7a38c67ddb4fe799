#+ summary: A transitive property reaches as far as its steps go.
PREFIX owl: <http://www.w3.org/2002/07/owl#>
INSERT { ?first ?property ?third }
WHERE {
  ?property a owl:TransitiveProperty .
  ?first ?property ?second .
  ?second ?property ?third .
}
