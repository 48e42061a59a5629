"""Virsh's command group "Networking"."""
