"""Searches over HTTP.

| module | subject |
|---|---|
| models | the JSON of results, tables and similar entries |
| links | URLs of searches |
| explanation | the SPARQL queries of results, and their validators |
| facets | facets of a result |
| snippets | snippets and suggestions |
| page | the page of a search |
| hydra | a page of a search as a Hydra collection |
| listing | the search endpoint |
| contingency | the contingency table of two facets |
| routes | the routes of searches and tables |
"""
