"""Tests. A package, so that its helpers import as `tests.live`."""
