"""warehouse/scores."""
