"""How long a correction takes to be saved while twenty people work at once: here, and in Label Studio."""
