"""Customer data: the model, the store, files in and out, and the facts stated from it."""
