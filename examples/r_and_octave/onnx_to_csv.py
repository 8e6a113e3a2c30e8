"""Probabilities that an ONNX file's model gives for the rows of a CSV file without a header, as CSV.

python onnx_to_csv.py model.onnx rows.csv probabilities.csv
"""

import sys

import numpy as np
import onnxruntime

model, rows, target = sys.argv[1:]
x = np.loadtxt(rows, delimiter=",", ndmin=2)
(probabilities,) = onnxruntime.InferenceSession(model).run(["probabilities"], {"x": x})
np.savetxt(target, probabilities, delimiter=",")
