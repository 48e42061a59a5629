"""The agent: a small process of each user that keeps SSH connections warm.

It starts by itself on the first remote use and ends when nothing has used it for a while. It hands out byte streams and
does nothing with what flows in them: read-only flags, events and everything else stay with each client.
"""
