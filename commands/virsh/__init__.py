"""Commands of the group virsh: The shell itself."""
