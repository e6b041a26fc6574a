"""Whose receipts others are shown; what is still being made keeps no history."""

from alembic import op

revision = "0011"
down_revision = "0010"

# Receipts of before are those of people who take part until threads says otherwise.
_READERS = """
    ALTER TABLE messages.read_receipts
        ADD takes_part boolean NOT NULL DEFAULT true,
        ADD joined_at timestamptz,
        ADD user_contact varchar(255);
    UPDATE messages.read_receipts SET joined_at = 'epoch';
    CREATE INDEX read_receipts_thread_id_user_contact ON messages.read_receipts (thread_id, user_contact) WHERE user_contact IS NOT NULL;
"""

# A message that streams is written many times before it is said. That somebody takes it away is kept.
_HISTORY = """
    DROP TRIGGER log_messages_updates_trigger ON messages.messages;
    CREATE TRIGGER log_messages_updates_trigger AFTER UPDATE ON messages.messages
        FOR EACH ROW WHEN (
            (OLD.delivery_status <> 'streaming' OR NEW.deleted_at IS NOT NULL)
            AND to_jsonb(OLD) - ARRAY['updated_at', 'version'] IS DISTINCT FROM to_jsonb(NEW) - ARRAY['updated_at', 'version'])
        EXECUTE FUNCTION messages.log_messages_changes();
"""


def upgrade() -> None:
    op.execute(_READERS)
    op.execute(_HISTORY)
