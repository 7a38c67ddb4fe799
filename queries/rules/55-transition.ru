#+ summary: The step that a transition takes, the step of a report that names a transition, and the evidence that a claim can count.
#+ description: The levels of ad hoc facilitation count as that stage. A report keeps the step that it states. Evidence dated before the time for which a claim is made cannot show it; evidence without a date, or for a claim without one, counts.
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX stage: <https://w3id.org/coprod/vocab/stage/>
PREFIX step: <https://w3id.org/coprod/vocab/step/>
INSERT { ?transition cp:takesStep ?step }
WHERE {
  ?transition a cp:Transition ;
    cp:leavesStage ?from ;
    cp:reachesStage|cp:aimsAtStage ?to .
  VALUES (?from ?begin) {
    (stage:ad-hoc "ad-hoc") (stage:ad-hoc-individual "ad-hoc") (stage:ad-hoc-collective "ad-hoc")
    (stage:pilot-project "pilot") (stage:project "project") (stage:programme "programme") (stage:culture "culture")
  }
  VALUES (?to ?end) {
    (stage:ad-hoc "ad-hoc") (stage:ad-hoc-individual "ad-hoc") (stage:ad-hoc-collective "ad-hoc")
    (stage:pilot-project "pilot") (stage:project "project") (stage:programme "programme") (stage:culture "culture")
  }
  FILTER (?begin != ?end)
  BIND (IRI(CONCAT(STR(step:), ?begin, "-to-", ?end)) AS ?step)
} ;
INSERT { ?report cp:step ?step }
WHERE {
  ?report cp:concernsTransition ?transition ; a cp:BarrierReport .
  ?transition cp:takesStep ?step .
  FILTER NOT EXISTS { ?report cp:step ?stated }
} ;
INSERT { ?claim cp:countsEvidence ?evidence }
WHERE {
  ?claim cp:supportedBy ?evidence .
  FILTER NOT EXISTS {
    ?claim cp:validFrom ?from .
    ?evidence dcterms:issued ?issued .
    BIND (REPLACE(STR(?from), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?begin)
    BIND (REPLACE(STR(?issued), "(Z|[+-][0-9]{2}:[0-9]{2})$", "") AS ?day)
    BIND (IF(STRLEN(?begin) < STRLEN(?day), STRLEN(?begin), STRLEN(?day)) AS ?exactness)
    FILTER (SUBSTR(?day, 1, ?exactness) < SUBSTR(?begin, 1, ?exactness))
  }
}
