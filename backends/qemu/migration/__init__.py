"""Live migration between two drivers."""
