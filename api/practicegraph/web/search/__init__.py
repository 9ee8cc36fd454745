"""Searches over HTTP: models, links, explanation, facets, snippets, page, hydra, listing, contingency."""
