"""Reports on a whole catalogue: its description, gaps, differences between states, their impact.

| module | subject |
|---|---|
| dataset | licence, creators, link sets and statistics (VoID) |
| gaps | data gaps: results of stored queries as tables |
| differences | differences between two states, as text and JSON |
| impact | what a change does to counts, values, IRIs, stored queries and labels |
"""
