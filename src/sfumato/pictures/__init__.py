"""Pictures in files: any kind to RGB of 8 bits and back, and their metadata."""
