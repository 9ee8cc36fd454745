"""SPARQL over HTTP.

- `service_description`: the description of the endpoint
- `endpoint`: the SPARQL 1.1 Protocol
- `stored_queries`: the stored queries, and the report of data gaps
"""
