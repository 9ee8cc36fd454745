"""The Reconciliation Service API over HTTP.

| module | subject |
|---|---|
| requests | the parser of requests |
| suggest | suggestions, flyouts and previews |
| endpoint | the manifest, query results and data extension |
"""
