"""Full text: tokens, queries, the text index, ranking, suggestions and snippets.

| module | subject |
|---|---|
| tokenizer | tokens of words and texts, the parser of free-text queries |
| words | words by language, prefixes and endings, compounds, words of one origin |
| index | words, prefixes and phrases in SQLite, ranking |
| labels | concepts by the words of their labels, suggestions |
| matching | what a query matches: texts, labels, compounds and synonyms |
| highlighting | snippets with highlights |
"""
