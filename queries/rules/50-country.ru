#+ summary: A unit without a country has that of the nearest whole that has one, an initiative without a country that of whoever runs it.
#+ description: A stated country replaces the one that would follow, which is why this is no axiom: a conclusion of OWL is never taken back.
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX org: <http://www.w3.org/ns/org#>
INSERT { ?unit cp:country ?country }
WHERE {
  ?unit org:unitOf+ ?whole .
  ?whole cp:country ?country .
  FILTER NOT EXISTS { ?unit cp:country ?stated }
  FILTER NOT EXISTS {
    ?unit org:unitOf+ ?between .
    ?between org:unitOf+ ?whole ;
      cp:country ?nearer .
    FILTER (?between != ?whole)
  }
} ;
INSERT { ?initiative cp:country ?country }
WHERE {
  ?initiative cp:runBy ?runner .
  ?runner cp:country ?country .
  FILTER NOT EXISTS { ?initiative cp:country ?stated }
}
