"""Hyper-parameters: a search for good ones, and the learning-rate range test."""
