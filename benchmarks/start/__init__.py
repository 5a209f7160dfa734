"""How soon commands begin their work."""
