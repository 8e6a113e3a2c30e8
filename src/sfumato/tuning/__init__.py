"""Hyper-parameters: the search for good ones, and the learning-rate range test."""

from sfumato._renamed import renamed_in

__getattr__ = renamed_in(__name__)
