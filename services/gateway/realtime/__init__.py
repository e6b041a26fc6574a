"""Live connections: what happens, to everybody who may see it, in the stream's order, with a cursor to come back with."""
