"""PostgreSQL, NATS and Valkey from wheels, for a first run and for tests; and clamd, where it is installed."""

from shared.embedded.clamd import Clamd
from shared.embedded.folders import data_folder, make_folder, socket_folder
from shared.embedded.nats import Nats
from shared.embedded.postgres import Postgres
from shared.embedded.program import CouldNotStart, Identity, Program
from shared.embedded.valkey import Valkey

__all__ = ["Clamd", "CouldNotStart", "Identity", "Nats", "Postgres", "Program", "Valkey", "data_folder", "make_folder", "socket_folder"]
