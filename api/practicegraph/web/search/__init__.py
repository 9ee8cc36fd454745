"""Searches over HTTP: links, explanation, facets, snippets, page, hydra, listing, contingency."""
