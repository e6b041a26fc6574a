"""How fast and how cheap live connections are."""
