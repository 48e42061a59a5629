"""Tests of the wire protocol, without a wire."""
