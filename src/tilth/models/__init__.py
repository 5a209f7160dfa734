"""Ways to ask a language model; the only room that talks to one."""
