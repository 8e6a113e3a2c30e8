"""`sfumato style`: the command, a file for each of its tasks."""
