"""SPARQL over HTTP.

- `endpoint`: the SPARQL 1.1 Protocol and the service description
- `stored_queries`: the stored queries, and the report of data gaps
"""
