"""VGG16 and VGG19: names and shapes, the network, what it takes pictures for, and where its weights come from."""

from sfumato._renamed import renamed_in

__getattr__ = renamed_in(__name__)
