"""SPARQL over HTTP.

- `requests`: the requests of the SPARQL 1.1 Protocol
- `endpoint`: the SPARQL endpoint and its description
- `stored_queries`: the stored queries, and the report of data gaps
- `routes`: their routes
"""
