"""A copy of what attachments says of messages' files, for their pages."""

from alembic import op

revision = "0012"
down_revision = "0011"

# attachment_versions: which version of each the copy tells of. Most messages have neither.
_FILES = """
    ALTER TABLE messages.messages ADD attachments jsonb, ADD attachment_versions integer[];
    ALTER TABLE messages.messages_history ADD attachments jsonb, ADD attachment_versions integer[];
"""

# What becomes of a file is told by attachments' own events; of the message it is no edit.
_HISTORY = """
    DROP TRIGGER log_messages_updates_trigger ON messages.messages;
    CREATE TRIGGER log_messages_updates_trigger AFTER UPDATE ON messages.messages
        FOR EACH ROW WHEN (
            (OLD.delivery_status <> 'streaming' OR NEW.deleted_at IS NOT NULL)
            AND to_jsonb(OLD) - ARRAY['updated_at', 'version', 'attachments', 'attachment_versions']
                IS DISTINCT FROM to_jsonb(NEW) - ARRAY['updated_at', 'version', 'attachments', 'attachment_versions'])
        EXECUTE FUNCTION messages.log_messages_changes();
"""


def upgrade() -> None:
    op.execute(_FILES)
    op.execute(_HISTORY)
