"""Contracts of the attachments service."""
