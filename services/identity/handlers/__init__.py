"""What the service is asked: one function an operation."""
