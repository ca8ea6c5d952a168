"""Neural networks on images: recipes for PyTorch and TensorFlow, each written out, and how good they are."""
