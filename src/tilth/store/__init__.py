"""The run folder; the only room that writes a run's files."""
