"""Charts: SVG made on the server, each beside the numbers that it shows as text.

| module | subject |
|---|---|
| cell_links | the searches of the cells of a table |
| observed | values that were observed for pairs of concepts |
| matrix | two facets with bubbles of a third one |
| maps | the map of the countries of a facet |
| timelines | the columns of years |
| views | the pages of maps and charts |
| evidence | the evidence map |
"""
