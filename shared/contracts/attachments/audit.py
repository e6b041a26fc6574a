"""What attachments has to tell the audit log."""

from shared.contracts.audit import Audited


class ActionAudited(Audited):
    """A file of another was deleted."""
