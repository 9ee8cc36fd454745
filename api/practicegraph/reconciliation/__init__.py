"""The Reconciliation Service API 0.2 without HTTP (https://www.w3.org/community/reports/reconciliation/).

| module | subject |
|---|---|
| names | similarity of a name to the labels of concepts |
| entities | types, properties and identifiers of entities |
| candidates | reconciliation candidates and their scores |
| extension | suggestions for a prefix, data extension |
"""
