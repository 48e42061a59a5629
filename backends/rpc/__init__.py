"""libvirt's wire protocol, without input or output: bytes to messages, messages to values, and back.

`xdr` packs values by the type spellings of `procedures`, `codec` whole arguments, results, events and errors; `frame`
cuts bytes into messages, `peer` keeps a conversation's state. Client and daemon use the same code.
"""
