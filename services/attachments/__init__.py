"""Attachments: files that people share, scanned before anyone can open them."""
