"""The catalogue as data: the folder's documents, the store in step with them, the change log.

- `documents`: the files of a folder, read as RDF
- `comments`: the comments of files that are written anew
- `change_log`: the events of named graphs, in the SQLite file that lists what the store holds
- `loading`: bringing a store in step with the folder
- `revisions`: a catalogue as it was, from a folder, an archive or git
- `stored_queries`: SPARQL queries with typed parameters
- `catalogue`: the catalogue as an object, and how it is opened
"""
