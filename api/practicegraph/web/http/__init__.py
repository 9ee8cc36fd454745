"""HTTP for all resources: connections, negotiation, conditional requests and middleware.

- `connections`: the limits of a connection to a client
- `bodies`: the size, media type and form fields of a request's body
- `negotiation`: the form and the language of a response
- `responses`: JSON, links in headers, streamed responses
- `conditional`: entity tags, preconditions and content codings
- `disconnects`: work that ends with the connection of its client
- `middleware`: HEAD, OPTIONS, proxies and the encoding of URIs
- `ranges`: range requests for files
"""
