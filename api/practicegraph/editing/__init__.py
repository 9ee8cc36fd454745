"""Writing entries, without HTTP.

- `tokens`: bearer tokens and their permissions
- `identifiers`: which identifiers are valid, and which one a new entry gets
- `entry_json`: an entry in the JSON of the API, read back as triples
- `revision`: an entry after an edit, with its provenance (PROV); tombstones
- `parser_process`: the process that parses RDF which writers send
- `writer`: writing an entry durably
- `editor`: creating, updating and withdrawing an entry
"""
