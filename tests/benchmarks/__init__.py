"""Benchmarks, run by hand: README.md beside this file has the commands and figures."""
