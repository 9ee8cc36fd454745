"""Validation: SHACL and other rules of a catalogue, their findings, fixes and reports.

pyshacl_engine: pySHACL, the reference engine.
shacl: a shapes graph, the results of data against it, and their messages.
findings: a validation result with its file, region, labels and fix; the report.
fixes: the edit of a file that fixes a finding.
triples: the rules of single triples: texts, language tags, terms of vocabularies, links.
rules: the rules beside SHACL, of topics, IRIs, versions, stored queries; links that do not answer.
checks: all checks of a set of documents.
scope: what the shapes look at from a focus node.
incremental: one changed document beside a store of any size.
reports: the formats of a report.
submissions: RDF, tables and shapes that a client sends; the process that validates them.
"""
