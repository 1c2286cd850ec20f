"""Declarations of the tables the job reads."""
