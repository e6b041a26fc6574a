"""What the graph service answers."""
