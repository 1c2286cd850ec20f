"""Order and policy: what runs after what, and what happens when the candidate loses."""
