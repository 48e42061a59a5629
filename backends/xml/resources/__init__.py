"""The XML of what domains use: virtual networks and their ports, storage pools and volumes."""
