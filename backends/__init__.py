"""The driver floor: the contract between vsh and hypervisors, and one package per hypervisor.

Callers use `api`; adapters subclass `driver.Driver` and `driver.Connection`.
"""
