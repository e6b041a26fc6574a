"""What the service is asked: a function for each operation, in a file for each aggregate."""
