"""The command line; a command's module is imported when it runs.

Modules: common (options, progress, errors), inspection (check, query, gaps, diff), maintenance
(template, import, export, label, token), service (serve, load), main (the group of commands).
"""
