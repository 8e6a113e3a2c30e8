"""`sfumato style`: one file for each thing that the command does."""
