"""Pictures in files: any kind to RGB of 8 bits and back, and what they bring beside their pixels."""
