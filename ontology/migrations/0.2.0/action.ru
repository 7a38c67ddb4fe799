#+ summary: Writes the transition between two assessments of one claimant of which one follows the other.
#+ description: It has the claimant, the basis, the evidence and the beginning of the later assessment. Running it twice changes nothing more.
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
INSERT {
  ?transition a cp:Transition ;
    rdfs:label ?label ;
    cp:about ?subject ;
    cp:claimedBy ?claimant ;
    cp:basis ?basis ;
    cp:claimedOn ?day ;
    cp:validFrom ?from ;
    cp:supportedBy ?evidence ;
    cp:leavesAssessment ?before ;
    cp:reachesAssessment ?later .
}
WHERE {
  ?later a cp:StageAssessment ;
    cp:followsAssessment ?before ;
    cp:about ?subject ;
    cp:claimedBy ?claimant ;
    cp:basis ?basis ;
    cp:stage ?reached .
  ?before cp:claimedBy ?claimant ; cp:stage ?left .
  FILTER (?left != ?reached)
  FILTER NOT EXISTS { ?known a cp:Transition ; cp:reachesAssessment ?later }
  OPTIONAL { ?later cp:claimedOn ?day }
  OPTIONAL { ?later cp:validFrom ?from }
  OPTIONAL { ?later cp:supportedBy ?evidence }
  OPTIONAL { ?later rdfs:label ?name }
  BIND (IRI(REPLACE(STR(?later), "/id/stage-assessment/", "/id/transition/")) AS ?transition)
  FILTER (?transition != ?later)
  BIND (STRLANG(CONCAT("Transition to: ", STR(COALESCE(?name, ?reached))), "en") AS ?label)
}
