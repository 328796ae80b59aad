"""Data sets in their official layouts: one a file."""
