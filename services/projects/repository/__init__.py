"""All SQL of the service, by what it is about."""
