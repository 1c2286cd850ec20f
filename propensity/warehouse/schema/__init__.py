"""warehouse/schema."""
