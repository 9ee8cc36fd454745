"""The change log over HTTP.

| module | subject |
|---|---|
| event_stream | the Linked Data Event Stream |
| endpoint | the feed, the stream and the pages of the log |
| history | the states of an entry, and what differs between two |
"""
