"""What the graph and its mirror reach, measured beside a bare script and beside PostgreSQL."""
