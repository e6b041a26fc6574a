"""SQL that a migration runs so that a service's roles reach what they may, and row-level security keeps workspaces apart."""

from shared.credentials import background_role, database_role

# A subquery is evaluated once a statement, not once a row.
WORKSPACE = "(SELECT nullif(current_setting('app.workspace', true), '')::uuid)"


def workspace_table(service: str, table: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE", shared_rows: bool = False) -> str:
    """A table whose rows belong to workspaces: the service's role sees those of `app.workspace`, its background role all.

    shared_rows: rows without a workspace belong to the installation, and are seen and written from anywhere.
    """
    own = f"workspace_id = {WORKSPACE}" + (" OR workspace_id IS NULL" if shared_rows else "")
    return f"""
        ALTER TABLE {service}.{table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY workspace ON {service}.{table} TO {database_role(service)} USING ({own}) WITH CHECK ({own});
        CREATE POLICY background ON {service}.{table} TO {background_role(service)} USING (true) WITH CHECK (true);
        GRANT {grants} ON {service}.{table} TO {database_role(service)}, {background_role(service)};
    """


def installation_table(service: str, table: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> str:
    """A table of the installation, which has no workspaces: both roles reach all of it."""
    return f"GRANT {grants} ON {service}.{table} TO {database_role(service)}, {background_role(service)};"


def definer_function(service: str, name: str, arguments: str, returns: str, body: str, *, volatility: str = "STABLE") -> str:
    """A function that runs as the schema's owner, for what must be found before a workspace is known."""
    types = ", ".join(argument.strip().partition(" ")[2] for argument in arguments.split(","))
    return f"""
        CREATE FUNCTION {service}.{name}({arguments}) RETURNS {returns}
        LANGUAGE sql {volatility} SECURITY DEFINER SET search_path = {service}, pg_temp AS $body${body}$body$;
        REVOKE ALL ON FUNCTION {service}.{name}({types}) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION {service}.{name}({types}) TO {database_role(service)}, {background_role(service)};
    """
