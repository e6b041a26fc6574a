"""The rules of projects: no I/O, no clock, no SQL."""
