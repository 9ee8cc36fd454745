"""Writing entries over HTTP.

- `bodies`: the body of a request as triples
- `endpoint`: PUT, POST and DELETE of an entry, and the bearer token of a request (RFC 6750)
"""
