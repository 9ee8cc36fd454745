"""The command line; the module of a command is imported when it runs.

main: the group of commands; options, progress bars, errors in one line
inspection: check, query, gaps, diff
maintenance: template, import, export, label, token
workers: the settings of the HTTP server, and the processes that answer beside the first
service: serve, load
"""
