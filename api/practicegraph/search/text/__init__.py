"""Full text: tokens, queries, the text index, ranking, suggestions and snippets.

| module | subject |
|---|---|
| tokenizer | tokens of words and texts, the parser of free-text queries |
| index | words, prefixes and phrases in SQLite, ranking |
| labels | concepts by the words of their labels, suggestions |
| highlighting | snippets with highlights |
"""
