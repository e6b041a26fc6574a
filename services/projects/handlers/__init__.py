"""What the service is asked: one function an operation, by what it is about."""
