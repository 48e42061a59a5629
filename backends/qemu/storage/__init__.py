"""Storage pools and volumes without a daemon.

Pools are definitions in etc/storage and, while active, what they were started by in run/storage/BOOT. What is in a pool
is never kept: whoever asks looks, so that a volume that somebody else made is seen at once.
"""
