"""graph: links between artifacts, and what hangs together by them."""
