"""Searches over HTTP.

| module | subject |
|---|---|
| links | URLs of searches |
| explanation | the SPARQL queries of results |
| results | facets and snippets of a result, and its JSON |
| badges | the values of an entry in lists |
| frame | what all views of a search have around its result |
| hydra | a page of a search as a Hydra collection |
| feed | a search as an Atom feed |
| listing | the search endpoint: its page, JSON and tables |
| contingency | the contingency table of two facets |
| routes | the routes of searches and tables |
"""
