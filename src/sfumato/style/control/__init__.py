"""Control over style transfer: the colours of the result, and the region of each style."""
