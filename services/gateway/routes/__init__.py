"""What is answered over HTTP: importing these modules fills the table of routes."""

from services.gateway.routes import (
    accounts,
    attachments,
    audit,
    auth,
    directory,
    messages,
    operations,
    participants,
    presigned,
    receipts,
    roles,
    service_accounts,
    threads,
    uploads,
    users,
    workspaces,
)

__all__ = [
    "accounts",
    "attachments",
    "audit",
    "auth",
    "directory",
    "messages",
    "operations",
    "participants",
    "presigned",
    "receipts",
    "roles",
    "service_accounts",
    "threads",
    "uploads",
    "users",
    "workspaces",
]
