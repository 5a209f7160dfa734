"""Talk to what was trained: in a terminal, or through an OpenAI-compatible server."""
