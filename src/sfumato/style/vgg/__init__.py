"""VGG16 and VGG19: layers and names, the network, the scaling of its inputs, and its weights."""

from sfumato._renamed import renamed_in

__getattr__ = renamed_in(__name__)
