"""SHACL (https://www.w3.org/TR/shacl/) as the catalogue reads it; no other package reads its terms.

shapes/README.md says what these terms, and those of our ontology, become.

- `reader`: node shapes, fields, languages, parameters of stored queries
- `constraints`: targets, constraints and messages of shapes; stored checks
"""
