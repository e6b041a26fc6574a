"""The version of this Atrium, the same in all its parts."""

VERSION = "0.1.0"
