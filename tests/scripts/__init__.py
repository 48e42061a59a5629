"""Shell scripts as people write them for virsh, run with virsh and with vsh."""
