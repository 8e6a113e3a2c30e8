"""The room Learn: a small network that trains while its settings are changed, with every number that it computes."""
