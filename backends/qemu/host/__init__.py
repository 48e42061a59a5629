"""The host, its QEMUs, and what both can do."""
