"""What messages has to tell the audit log."""

from shared.contracts.audit import Audited


class ActionAudited(Audited):
    """A message of another was deleted, or the history of one was read."""
