"""HTTP for all resources: connections, negotiation, conditional requests and middleware.

- `connections`: the limits of a connection to a client, and work that ends with it
- `bodies`: the size, media type, form fields and JSON of a request's body
- `negotiation`: the media type, language and coding of a response
- `responses`: JSON, links in headers, files, streamed responses
- `conditional`: entity tags and preconditions
- `middleware`: HEAD, OPTIONS, content codings, the encoding of URIs, proxies
- `handover`: requests that one process hands over to the one that writes
"""
