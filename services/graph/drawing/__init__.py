"""Pictures of graphs. All but `artist` runs in a process of its own, which starts fast: it imports nothing of the service."""
