"""identity: users, sessions and what they may do."""
