"""Virsh's command group "Storage Pool"."""
