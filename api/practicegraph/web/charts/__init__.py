"""Charts: SVG made on the server, each beside the numbers that it shows as text.

| module | subject |
|---|---|
| maps | the map of the countries of a facet |
"""
