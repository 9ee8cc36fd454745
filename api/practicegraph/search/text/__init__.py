"""Full text: tokens, queries, the text index, ranking, suggestions and snippets.

| module | subject |
|---|---|
| tokenizer | tokens of words, the parser of free-text queries |
| analysis | texts of entries as tokens by tier, ranking |
| postings | the entries of each token as roaring bitmaps |
| index | words, prefixes, and phrases by SQLite's FTS5 |
| labels | concepts by the words of their labels, suggestions |
| highlighting | snippets with highlights |
"""
