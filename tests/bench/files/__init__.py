"""How fast files come, are scanned and go, beside the same bytes without Atrium."""
