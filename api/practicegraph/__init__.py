"""PracticeGraph: a linked-data catalogue whose domain is Turtle.

The modules, each importing only from those before it:

text, store, sparql, embedded, endpoint, remote, worker, workers, turtle, files, outputs, folder,
kinds, shapes, phrases, vocabularies, locales, records, jsonld, nodes, validation, reasons, checks,
search, values, questions, pages, tables, importer, loading, canonical, catalogue, drafting,
exports, dumps, dumper, web, __main__
"""

from importlib.metadata import version

__version__ = version("practicegraph")
