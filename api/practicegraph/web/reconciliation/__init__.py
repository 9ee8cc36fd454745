"""The Reconciliation Service API over HTTP.

| module | subject |
|---|---|
| models | the JSON of the API |
| requests | the parser of requests |
| manifest | the service manifest |
| suggest | suggestions, flyouts and previews |
| endpoint | routes, query results and data extension |
"""
