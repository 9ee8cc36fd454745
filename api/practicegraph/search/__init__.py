"""Search: requests, the SPARQL that defines their results, and an index that gives the same.

| module | subject |
|---|---|
| request | search requests and the parser of their parameters |
| sparql | the queries that define results |
| engine | the interface of search engines, the one by SPARQL, similar entries |
| explain | the SPARQL that gives each number of a result |
| text/ | full text |
| entries | what is indexed of an entry, read from the store |
| facets | bitmaps of entries by value |
| index_file | the SQLite file of an index, sort orders |
| builder | all entries in batches, from files or the store |
| index_data | the data of an index, built and updated |
| contingency | contingency tables of two facets |
| index | the search engine that answers from the data |
"""
