"""RDF without a catalogue: terms, syntaxes, positions in texts, input that is not trusted.

terms: RDF terms, namespaces of vocabularies, dates and numbers, canonical N-Triples
turtle: Turtle in one canonical order
jsonld: JSON-LD, compacted with the terms of a context
positions: the offsets of each triple in Turtle, TriG and N-Quads
syntax_errors: the diagnosis of errors of the parsers of Turtle and SPARQL
untrusted: RDF and JSON from files and clients, parsed within limits
"""
