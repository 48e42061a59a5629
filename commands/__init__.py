"""The verbs: one module per topic in a folder per virsh group.

A command takes a `Context` and returns data; it never prints.
"""
