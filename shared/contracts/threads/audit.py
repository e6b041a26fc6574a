"""What supervisors did in threads, and what they read there."""

from shared.contracts.audit import Audited


class ActionAudited(Audited):
    """A supervisor did, or read, what they take no part in."""
