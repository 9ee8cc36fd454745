"""Readers' SPARQL queries, run in processes that can be killed.

- `protocol`: what a worker reads and writes
- `process`: a worker process as the server sees it
- `pool`: the processes, their limits, and each client's share of them
- `worker`: the program of such a process, which cuts results off at a number of rows
"""
