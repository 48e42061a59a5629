"""Commands of the group secret: Secret."""
