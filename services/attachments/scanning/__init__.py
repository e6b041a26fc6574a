"""Scanning: bytes go to clamd, and what it says becomes a verdict."""
