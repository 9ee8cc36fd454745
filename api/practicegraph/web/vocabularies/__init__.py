"""Vocabularies on pages: their index, the page of a scheme, and the page of a concept.

| module | subject |
|---|---|
| uses | which entries use a concept, and how many |
| tree | the concepts of a scheme as a tree, as letters, and by the words of their labels |
| concept_page | the values of the page of a concept |
| scheme_page | the values of the page of a scheme |
| index | the index of all vocabularies |
"""
