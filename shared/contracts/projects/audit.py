"""What is done to projects that somebody may have to answer for."""

from shared.contracts.audit import Audited


class ActionAudited(Audited):
    """Somebody archived, restored or deleted a project, or said who is in it."""
