"""RDF without a catalogue: terms, syntaxes, positions in texts, input that is not trusted.

namespaces: the namespaces of vocabularies
terms: RDF terms, dates and numbers, canonical N-Triples
turtle: Turtle in one canonical order
jsonld: JSON-LD, compacted with the terms of a context
positions: the offsets of each triple in Turtle, TriG and N-Quads
syntax_errors: what is wrong where a parser of Turtle or SPARQL stops
untrusted: RDF and JSON from files and clients, parsed within limits
"""
