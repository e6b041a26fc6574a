"""threads: conversations, who takes part in them, and who may do what there."""
