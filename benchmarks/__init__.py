"""What makes the README's tables, from seeds."""
