"""What a studio lives through in two hours, in ten minutes."""
