"""graph: what hangs together with what."""
