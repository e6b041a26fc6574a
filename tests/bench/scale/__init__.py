"""`make bench-scale`: whether ten million messages are as fast as a hundred thousand (`python -m tests.bench.scale --help`)."""
