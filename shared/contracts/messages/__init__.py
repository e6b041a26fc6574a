"""messages: what is said in threads."""
