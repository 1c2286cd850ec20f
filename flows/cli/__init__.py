"""The command line: one module for each subject, put together in flows/cli/main.py."""
