"""Virsh's command group "Storage Volume"."""
