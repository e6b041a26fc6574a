"""What is told to whoever is there, and kept by nobody: who types, who is here."""
