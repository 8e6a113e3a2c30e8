"""VGG16 and VGG19: names and shapes, the network, what it takes pictures for, and where its weights come from."""
