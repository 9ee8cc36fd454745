"""SPARQL over HTTP.

- `requests`: the requests of the SPARQL 1.1 Protocol
- `service_description`: the description of the endpoint
- `endpoint`: the SPARQL endpoint
- `stored_queries`: the stored queries, and the report of data gaps
- `routes`: their routes
"""
