"""Search: requests, the SPARQL that defines their results, and an index that gives the same.

| module | subject |
|---|---|
| request | search requests and the parser of their parameters |
| sparql | the queries that define results |
| engine | the interface of search engines, the one by SPARQL, explanations, similar entries |
| text/ | full text |
| entries | what is indexed of an entry, read from the store |
| facets | bitmaps of entries by value |
| builder | all entries in batches, from files or the store |
| index_data | the data of an index in memory and in its SQLite file, sort orders |
| index | the search engine that answers from the data |
"""
