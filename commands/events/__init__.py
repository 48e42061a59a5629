"""Commands of the group events: Domain Events."""
