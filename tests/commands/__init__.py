"""Commands as users meet them, side by side with virsh: on the test host inside the client, and on libvirtd's."""
