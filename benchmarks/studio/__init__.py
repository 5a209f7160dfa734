"""How fast the studio answers on a large run, beside an empty page."""
