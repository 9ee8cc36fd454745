"""The composition root: the only place, with `cli`, that chooses implementations.

- `services`: the services of a catalogue
- `startup`: opening a folder as a catalogue
- `health`: the condition of the folder's files
- `dump_process`: the process that makes dumps beside the server
"""
