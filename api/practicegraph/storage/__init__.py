"""Triple stores, inside the program and elsewhere, and files.

base: the interface of a store, and a cache of a release
query_guard: what clients' queries may not do; the hosts that SERVICE may call
oxigraph: the embedded store and its snapshots
remote: a store behind a SPARQL 1.1 endpoint
files: files that are replaced as a whole
"""
