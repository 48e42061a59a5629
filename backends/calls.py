"""The calls of the contract as attributes.

At run time this class is empty: drivers write the calls they have, and `__getattr__` of its subclasses answers for the
others. Type checkers read calls.pyi instead, which has all of them with their signatures, so that a driver that strays
from the contract and a caller that misuses it are both told.
"""

class Calls:
    """All calls: names of libvirt's remote procedures in lower case, arguments in wire order, `flags` last."""
