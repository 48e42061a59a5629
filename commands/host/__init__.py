"""Commands of the group host: Host and Hypervisor."""
