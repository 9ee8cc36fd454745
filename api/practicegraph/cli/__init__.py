"""The command line; the module of a command is imported when it runs.

common: options, progress bars, errors in one line
inspection: check, query, gaps, diff
maintenance: template, import, export, label, token
service: serve, load
main: the group of commands
"""
