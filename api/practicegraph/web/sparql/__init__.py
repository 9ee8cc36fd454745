"""SPARQL over HTTP.

- `requests`: the requests of the SPARQL 1.1 Protocol
- `results`: the result of a query on a page, as a table or a chart
- `completions`: what query editors complete
- `query_page`: what the page of queries shows beside a result
- `endpoint`: the SPARQL endpoint and its description
- `stored_queries`: the stored queries, and the report of data gaps
- `routes`: their routes
"""
