"""Plotly figures as pure functions of data frames and arrays; usable from a notebook without the studio."""
