"""How the mirror is, and what it is good for, in numbers."""

from prometheus_client import Counter, Gauge, Histogram

LAG = Gauge("atrium_graph_mirror_lag", "Changes that the mirror does not have yet, counted up to 10,000 of each kind")
LAG_SECONDS = Gauge("atrium_graph_mirror_lag_seconds", "For how long the first of them has waited")
BATCH_SECONDS = Histogram("atrium_graph_mirror_batch_seconds", "One batch of the mirror, committed")
PARKED = Gauge("atrium_graph_mirror_parked", "Things that Neo4j does not take")
READS = Counter("atrium_graph_reads_total", "Questions about what hangs together, by who found the links", ["engine"])
