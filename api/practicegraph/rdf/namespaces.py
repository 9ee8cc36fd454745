"""The namespaces of the vocabularies that the program reads and writes.

They are plain strings and not those of `rdflib.namespace`, since a `URIRef` of rdflib equals no
string, and so no IRI of a pyoxigraph term.
"""

AS = "https://www.w3.org/ns/activitystreams#"
DCAT = "http://www.w3.org/ns/dcat#"
DCT = "http://purl.org/dc/terms/"
EARL = "http://www.w3.org/ns/earl#"
FOAF = "http://xmlns.com/foaf/0.1/"
HYDRA = "http://www.w3.org/ns/hydra/core#"
LDES = "https://w3id.org/ldes#"
LDP = "http://www.w3.org/ns/ldp#"
OWL = "http://www.w3.org/2002/07/owl#"
PG = "https://w3id.org/practicegraph/ontology#"
PROV = "http://www.w3.org/ns/prov#"
PTR = "http://www.w3.org/2009/pointers#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SCHEMA = "https://schema.org/"
SD = "http://www.w3.org/ns/sparql-service-description#"
SH = "http://www.w3.org/ns/shacl#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
SPDX = "http://spdx.org/rdf/terms#"
TREE = "https://w3id.org/tree#"
VOID = "http://rdfs.org/ns/void#"
XSD = "http://www.w3.org/2001/XMLSchema#"
