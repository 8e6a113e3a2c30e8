"""Files of weights that other programs wrote: what tensors are in them, without running anything.

`opening.py` recognises a file; `keras_files.py` and `torch_files.py` know the formats.
"""

from sfumato.weight_files.keras_files import import_h5py
from sfumato.weight_files.opening import open_tensors
from sfumato.weight_files.tensors import FLOATS, InOrder, StoredTensor, Tensors

__all__ = ["FLOATS", "InOrder", "StoredTensor", "Tensors", "import_h5py", "open_tensors"]
