"""The Reconciliation Service API 0.2 without HTTP (https://www.w3.org/community/reports/reconciliation/).

| module | subject |
|---|---|
| entities | types, properties and identifiers of entities |
| names | similarity of a name to the labels of concepts |
| candidates | reconciliation candidates and their scores |
| extension | suggestions for a prefix, data extension |
"""
