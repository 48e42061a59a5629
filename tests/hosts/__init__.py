"""Machines that adapters work on: this one, and one behind SSH, which have to behave alike."""
