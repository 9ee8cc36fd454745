"""Writing entries over HTTP.

- `authentication`: the bearer token of a request (RFC 6750)
- `bodies`: the body of a request as triples
- `editing`: PUT, POST and DELETE of an entry
- `routes`: their routes and methods
"""
