"""The rules of threads: no I/O, no clock, no SQL."""
