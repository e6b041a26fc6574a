"""SQL by which PostgreSQL writes values as readers of the API get them."""


def rfc3339(column: str) -> str:
    """A moment as `shared.contracts.model.Time` is in JSON: UTC, milliseconds, cut and not rounded."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
