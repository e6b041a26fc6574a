"""All SQL of the service: how messages are written, and how they are read."""
