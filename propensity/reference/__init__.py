"""The reference pages in docs/, made from where their facts are declared."""
