"""flows/server."""
