"""Writing entries, without HTTP.

- `tokens`: bearer tokens and their permissions
- `entry`: the triples of an entry in an edit: identifier, provenance (PROV), tombstone
- `entry_json`: an entry in the JSON of the API, read back as triples
- `form`: an entry as the values of a form, read and parsed
- `parser_process`: the process that parses RDF which writers send
- `editor`: creating, updating and withdrawing an entry
"""
