"""What is in a file: its type, its previews and its sound, found out without trusting it."""
