"""`make bench`: how fast a whole Atrium is here, beside what its database can do at most (`python -m tests.bench --help`)."""
