"""The documentation on pages.

| module | subject |
|---|---|
| guides | the guides: texts in Markdown, with the addresses and values of the catalogue |
| operations | the operations of the HTTP interface as a page |
| diagram | diagrams of classes as SVG |
| terms | the terms of the ontology and the shapes: an index, and a page for each |
| routes | the routes of all these |
"""
