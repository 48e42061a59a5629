"""Commands of the group interface: Interface."""
