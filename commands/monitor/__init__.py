"""Commands of the group monitor: Domain Monitoring."""
