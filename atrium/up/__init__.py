"""`atrium up`: everything on this machine, with one command."""
