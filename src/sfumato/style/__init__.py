"""Neural style transfer: a photograph in the manner of a painting, on the same engine."""
