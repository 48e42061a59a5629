"""Tests of the libvirt client: against daemons that misbehave, and against libvirt's own."""
