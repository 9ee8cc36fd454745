"""Searches over HTTP.

Modules: models, links, explanation, facets, snippets, page, hydra, listing, contingency.
"""
