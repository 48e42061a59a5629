"""Typed models of the XML of networks, storage, host interfaces and node devices, on the engine of `backends.xml`."""
