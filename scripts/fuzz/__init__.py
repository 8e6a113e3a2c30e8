"""Fuzzing: damaged files of every kind that the commands read, each of which must be read, or refused in one line.

    python -m scripts.fuzz --inputs 100000 --seed 0

An input is a small valid file, changed at random (`mutations.py`), and given to the function that a command gives such
a file to (`kinds.py`), in a worker with limits of time and memory (`workers.py`). A share of the inputs goes through
the real program as well. The kind of a file, a seed and a number say which input it is, whatever ran before it.
"""
