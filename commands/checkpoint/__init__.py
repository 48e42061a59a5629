"""Commands of the group checkpoint: Checkpoint."""
