"""What is answered over HTTP: importing these modules fills the table of routes."""

from services.gateway.routes import auth, messages, operations, participants, receipts, threads, users

__all__ = ["auth", "messages", "operations", "participants", "receipts", "threads", "users"]
