#+ summary: From which standpoints the supports of a culture are claimed of an organisation with evidence that counts.
#+ description: A claim whose evidence is marked independent is also seen from the standpoint of an evaluator. A standpoint that is not stated is none.
PREFIX condition: <https://w3id.org/coprod/vocab/condition/>
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX independence: <https://w3id.org/coprod/vocab/independence/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX standpoint: <https://w3id.org/coprod/vocab/standpoint/>
INSERT { ?organisation cp:supportSeenFrom ?standpoint }
WHERE {
  VALUES ?support {
    condition:values-and-mindset condition:formal-structures condition:formal-processes condition:leadership-commitment
  }
  ?claim cp:condition ?support ;
    cp:about ?organisation ;
    cp:countsEvidence ?evidence .
  ?organisation a org:Organization .
  {
    ?claim cp:standpoint ?standpoint .
    FILTER (?standpoint != standpoint:unstated)
  } UNION {
    ?evidence cp:hasIndependence independence:independent .
    BIND (standpoint:evaluator AS ?standpoint)
  }
}
