"""Vsh: a virsh-style shell that manages virtual machines on any hypervisor."""

__version__ = "0.1.0"
