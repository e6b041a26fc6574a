"""What the attachments service keeps in PostgreSQL."""
