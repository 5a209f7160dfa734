"""The same questions before and after training, and what may honestly be said about the difference."""
