"""The composition root: the only place, with `cli`, that chooses implementations.

- `services`: the services of a catalogue
- `startup`: opening a folder as a catalogue
- `background`: the processes beside the server, which check the folder and make dumps
"""
