"""Devices that come, go and change."""
