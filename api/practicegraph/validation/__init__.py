"""Validation: SHACL and other checks of a catalogue, their findings, fixes and reports.

results: the validation results of SHACL, and their messages.
pyshacl_engine: pySHACL, the reference engine.
shacl: a shapes graph, and the engine that validates data against it.
findings: a result with its file, region, labels and fix; the report.
fixes: the edit of a file that mends a finding.
published_iris: IRIs that have vanished, and values that are deprecated.
stored_checks: stored queries with a severity; links that do not answer.
checks: all checks of a set of documents.
scope: what the shapes look at from a focus node.
incremental: one changed document beside a store of any size.
submissions: RDF, tables and shapes that a client sends.
reports: the formats of a report.
inspection: a submission beside the part of the catalogue that matters; its process.
"""
