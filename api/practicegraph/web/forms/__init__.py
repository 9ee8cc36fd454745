"""Forms in which people add and edit entries.

| module | subject |
|---|---|
| sessions | bearer tokens of people, kept for their browser, and requests from other sites |
| inputs | what a form shows: headings, inputs, choices and problems at their fields |
| drafts | the triples of a form before they are saved: their record, Turtle and findings |
| endpoint | the form of a new entry and that of one to edit |
"""
