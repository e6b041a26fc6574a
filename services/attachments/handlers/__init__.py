"""What the attachments service answers."""
