"""Commands of the group filter: Network Filter."""
