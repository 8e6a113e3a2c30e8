"""Nothing yet."""

DIAGRAMS = ()
