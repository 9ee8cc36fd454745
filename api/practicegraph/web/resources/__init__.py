"""IRIs, their documents and the dataset over HTTP.

| module | subject |
|---|---|
| dumps | dumps of releases |
| dataset | the dataset description, and dumps on a page |
| front | the home page, the page of data and services, and the one about the catalogue |
| lifecycle | moved and withdrawn IRIs, and the status of IRIs |
| entry_page | the page of an entry |
| resource | IRIs and their documents |
| similar | entries that are similar to one |
| discovery | well-known URLs, robots.txt, the sitemap |
| routes | the routes of all these, and of the health of the service |
"""
