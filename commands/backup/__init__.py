"""Commands of the group backup: Backup."""
