"""Kernels: the hot loops of convolution and pooling, and the one place for threads."""
