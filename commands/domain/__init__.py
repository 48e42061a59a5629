"""Commands of the group domain: Domain Management."""
