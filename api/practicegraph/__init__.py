"""PracticeGraph: a linked-data catalogue whose domain is Turtle.

The modules, each importing only from those before it:

text, cells, brackets, store, lines, hosts, sparql, embedded, snapshots, endpoint, remote, rows,
frames, worker, incidents, process, workers, turtle, literals, tokens, places, leaves, traces,
untrusted, parser, heads, files, bearers, outputs, folder, revisions, kinds, shapes, permanence,
phrases, vocabularies, ontology, statistics, dataset, locales, recent, identifiers, states, records,
schemaorg, jsonld, nodes, spans, choices, choosing, patterns, definition, search, explanations,
neighbours, words, wanted, ranking, analysis, bitmaps, gathering, positions, postings, sequences,
texts, labels, spelling, marks, snippets, values, columns, validation, reaches, sights, reasons,
findings, markup, layouts, edits, mends, topics, promises, audits, checks, touches, admission,
verdicts, pipelines, reports, questions, pages, commas, workbooks, tables, importer, sheets,
changes, spool, recording, listing, transition, loading, shelf, facts, readings, nquads, passing,
facets, orders, saving, indexing, holdings, paging, titles, contingency, index, following, naming,
typed, things, claims, reconciling, suggesting, extending, canonical, catalogue, writing, given,
grids, rules, opening, inputs, revising, inspections, validator, drafting, differences, impacts,
changesets, outlooks, exports, templates, ledger, links, dumps, dumper, conditions, web, terminal,
keeping, asking, __main__
"""

from importlib.metadata import version

__version__ = version("practicegraph")
