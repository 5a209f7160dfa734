"""How long preparation takes, as ratios to the least that any tool must do."""
