"""Weights in CSV files, as R and Octave write matrices, as a file for `sfumato import`.

    python weights_from_csv.py weights.safetensors dense_1.W.csv dense_1.b.csv dense_2.W.csv dense_2.b.csv

Each file is a matrix without a header: dense_1.W.csv inputs x units, dense_1.b.csv the biases in a row or column.
"""

import sys
from pathlib import Path

import numpy as np
import safetensors.numpy

target, *sources = sys.argv[1:]
tensors = {}
for source in map(Path, sources):
    matrix = np.loadtxt(source, delimiter=",", ndmin=2)
    tensors[source.stem] = matrix.ravel() if source.stem.endswith(".b") else matrix
safetensors.numpy.save_file(tensors, target)
print(", ".join(f"{name} {tensor.shape}" for name, tensor in tensors.items()))
