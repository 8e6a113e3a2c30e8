"""The hot loops written out, number by number, and compiled by Numba: the backend "numba"."""
