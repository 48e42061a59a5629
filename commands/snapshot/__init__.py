"""Commands of the group snapshot: Snapshot."""
