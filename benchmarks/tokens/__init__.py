"""How fast the trainer's view of a data file is made, beside the bare tokenizer."""
