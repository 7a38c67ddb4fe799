#+ summary: Where each claimant's newest assessment that has not ended sees its subject now, or saw an initiative when it ended.
#+ description: An assessment that another one follows, that has an end, or that is older than another open one of the same claimant on the same subject does not count, nor does one that begins after today, neither for itself nor against another. An initiative whose end has passed, or that was closed, abandoned or replaced, is at no stage now; the end of an assessment is no matter there. Dates of different exactness are compared as far as both go.
# MINUS finds all older assessments at once; NOT EXISTS would look through all claims for each.
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX status: <https://w3id.org/coprod/vocab/status/>
INSERT { ?subject cp:currentStage ?stage }
WHERE {
  ?assessment a cp:StageAssessment ;
    cp:about ?subject ;
    cp:claimedBy ?claimant ;
    cp:stage ?stage .
  FILTER NOT EXISTS {
    ?subject cp:lifecycleStatus ?over .
    FILTER (?over IN (status:closed, status:abandoned, status:replaced))
  }
  FILTER NOT EXISTS {
    ?subject cp:endDate ?passed .
    BIND (REPLACE(STR(?passed), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?lastDay)
    FILTER (?lastDay < SUBSTR(STR(NOW()), 1, STRLEN(?lastDay)))
  }
  FILTER NOT EXISTS { ?assessment cp:validUntil ?end }
  FILTER NOT EXISTS {
    ?assessment cp:validFrom ?ahead .
    BIND (REPLACE(STR(?ahead), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?aheadDay)
    FILTER (?aheadDay > SUBSTR(STR(NOW()), 1, STRLEN(?aheadDay)))
  }
  FILTER NOT EXISTS {
    ?next cp:followsAssessment ?assessment ; cp:claimedBy ?claimant .
    OPTIONAL { ?next cp:validFrom ?nextFrom }
    BIND (REPLACE(STR(?nextFrom), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?nextDay)
    FILTER (COALESCE(?nextDay <= SUBSTR(STR(NOW()), 1, STRLEN(?nextDay)), true))
  }
  MINUS {
    ?assessment a cp:StageAssessment ; cp:about ?subject ; cp:claimedBy ?claimant ; cp:validFrom ?date .
    ?other cp:about ?subject ;
      a cp:StageAssessment ;
      cp:claimedBy ?claimant ;
      cp:validFrom ?later .
    FILTER NOT EXISTS { ?other cp:validUntil ?otherEnd }
    BIND (REPLACE(STR(?date), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?day)
    BIND (REPLACE(STR(?later), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?laterDay)
    BIND (IF(STRLEN(?day) < STRLEN(?laterDay), STRLEN(?day), STRLEN(?laterDay)) AS ?exactness)
    FILTER (SUBSTR(?laterDay, 1, ?exactness) > SUBSTR(?day, 1, ?exactness))
    FILTER (?laterDay <= SUBSTR(STR(NOW()), 1, STRLEN(?laterDay)))
  }
} ;
INSERT { ?subject cp:endedAtStage ?stage }
WHERE {
  {
    ?subject cp:lifecycleStatus ?over .
    FILTER (?over IN (status:closed, status:abandoned, status:replaced))
  } UNION {
    ?subject cp:endDate ?passed .
    BIND (REPLACE(STR(?passed), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?lastDay)
    FILTER (?lastDay < SUBSTR(STR(NOW()), 1, STRLEN(?lastDay)))
  }
  ?assessment a cp:StageAssessment ;
    cp:about ?subject ;
    cp:claimedBy ?claimant ;
    cp:stage ?stage .
  FILTER NOT EXISTS { ?next cp:followsAssessment ?assessment ; cp:claimedBy ?claimant }
  MINUS {
    ?assessment a cp:StageAssessment ; cp:about ?subject ; cp:claimedBy ?claimant ; cp:validFrom ?date .
    ?other cp:about ?subject ;
      a cp:StageAssessment ;
      cp:claimedBy ?claimant ;
      cp:validFrom ?later .
    BIND (REPLACE(STR(?date), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?day)
    BIND (REPLACE(STR(?later), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?laterDay)
    BIND (IF(STRLEN(?day) < STRLEN(?laterDay), STRLEN(?day), STRLEN(?laterDay)) AS ?exactness)
    FILTER (SUBSTR(?laterDay, 1, ?exactness) > SUBSTR(?day, 1, ?exactness))
  }
}
