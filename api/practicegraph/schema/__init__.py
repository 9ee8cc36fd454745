"""Shapes, vocabularies and the ontology as read: fields, concepts, deprecations, phrases, records.

| module | subject |
|---|---|
| text | texts and phrases in a reader's languages; comparison of texts |
| fields | node shapes, their fields, ranges of dates and numbers |
| catalog_records | the catalogue record of an entry, beside the work that the entry is (DCAT) |
| shapes | SHACL, read into node shapes, fields, parameters and checks |
| lifecycle | deprecated resources and their successors |
| vocabularies | concept schemes, their concepts and mappings (SKOS) |
| listed_records | the records to which fields refer, as lists of values |
| records | the values of a resource's fields, as text and JSON |
| ontology | the JSON-LD context, labels of terms, schema.org |
| value_parser | text parsed into values of fields |
"""
