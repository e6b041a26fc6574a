"""What the graph service keeps in PostgreSQL."""
