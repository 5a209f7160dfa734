"""How fast models are asked: our own way beside the bare client, and a server that says that it is too much."""
