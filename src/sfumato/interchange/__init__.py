"""Files of weights that other programs wrote: the tensors in them, read without running any code.

`opening.py` recognises a file; `keras_files.py` and `torch_files.py` know the formats.
"""

from sfumato.interchange.keras_files import import_h5py
from sfumato.interchange.opening import open_tensors
from sfumato.interchange.tensors import FLOATS, InOrder, StoredTensor, Tensors

__all__ = ["FLOATS", "InOrder", "StoredTensor", "Tensors", "import_h5py", "open_tensors"]
