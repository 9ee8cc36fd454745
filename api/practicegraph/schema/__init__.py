"""Shapes, vocabularies and the ontology as read: fields, concepts, lifecycle, phrases, records.

| module | subject |
|---|---|
| text | the text of a reader's language; comparison of texts |
| fields | node shapes, their fields, ranges of dates and numbers |
| shapes | node and property shapes, read from SHACL |
| lifecycle | deprecated resources: successors and tombstones |
| vocabularies | concept schemes and their concepts (SKOS) |
| messages | phrases of pages and messages; names from the CLDR |
| records | the values of a resource's fields, as text and JSON |
| ontology | the JSON-LD context, labels of terms, schema.org |
| value_parser | text parsed into values of fields |
"""
