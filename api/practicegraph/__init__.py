"""PracticeGraph: a linked-data catalogue whose domain is Turtle.

Its packages, and which of them may import which, stand in api/README.md.
"""

from importlib.metadata import version

__version__ = version("practicegraph")
