"""The copy of the links in Neo4j: how it is made, kept, compared and read."""
