"""The test host against libvirt's own test driver."""
