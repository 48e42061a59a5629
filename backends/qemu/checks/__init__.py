"""Refusing domains that make no sense to QEMU."""
