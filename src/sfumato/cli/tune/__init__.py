"""`sfumato tune`: a search for hyperparameters."""
