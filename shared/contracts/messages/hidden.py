"""What is said of messages that guests cannot see: events of their own, so that subjects keep them apart (as those of notes do)."""

from shared.contracts.messages.messages import Message
from shared.contracts.model import Event


class GuardedMessagePosted(Event):
    """A robot's message that guests do not see, or a reply to one, is in its thread."""

    message: Message


class GuardedMessageEdited(Event):
    """A message that guests do not see says something else now, or its delivery went on."""

    message: Message


class GuardedMessageDeleted(Event):
    """A message that guests do not see is deleted."""

    message: Message
