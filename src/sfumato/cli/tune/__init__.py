"""`sfumato tune`: a search for hyper-parameters."""
