"""Memory modules: <memory> below <devices>. Sizes are in KiB."""

from __future__ import annotations

from ..errors import INTERNAL_ERROR, XML_ERROR
from .addresses import Info
from .engine import Context, Model, fail
from .fields import CpuSet, Enum, Flag, OptInt, Part, Size, Text, UInt, Uuid, YesNo, one_of
from .node import Node

_NODES = one_of("model", "dimm", "virtio-mem", "sgx-epc")


class MemoryDevice(Model):
    spread = True
    model = Enum("@model", ("dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"), zero=(), required=True)
    access = Enum("@access", ("shared", "private"))
    discard = YesNo("@discard")
    uuid = Uuid("uuid", when=one_of("model", "nvdimm"), invalid=(INTERNAL_ERROR, "malformed uuid element"))
    dynamic_slots = YesNo("target/@dynamicMemslots", when=one_of("model", "virtio-mem"), newer=True)
    source_nodes = CpuSet("source/nodemask", empty="nodemask", when=_NODES)
    page_size = Size("source/pagesize", xpath="./pagesize", when=one_of("model", "dimm", "virtio-mem"))
    path = Text("source/path", when=one_of("model", "nvdimm", "virtio-pmem"))
    align_size = Size("source/alignsize", xpath="./alignsize", when=one_of("model", "nvdimm"))
    pmem = Flag("source/pmem", when=one_of("model", "nvdimm"))
    size = Size("target/size", xpath="./size", required=True, absent=None)
    node = OptInt("target/node", sign=True, invalid=(XML_ERROR, "invalid value of memory device node"))
    label_size = Size("target/label/size", xpath="./label/size", when=one_of("model", "nvdimm"))
    readonly = Flag("target/readonly", when=one_of("model", "nvdimm"))
    block_size = Size("target/block", xpath="./block", when=one_of("model", "virtio-mem"))
    requested_size = Size(
        "target/requested",
        xpath="./requested",
        absent=None,
        when=one_of("model", "virtio-mem"),
        show=lambda memory, view: memory.block_size > 0,
    )
    current_size = Size("target/current", absent=None, live=True, show=lambda memory, view: memory.block_size > 0)
    base = UInt(
        "target/address/@base",
        base=16,
        bits=64,
        form="0xx",
        when=one_of("model", "virtio-mem", "virtio-pmem"),
        newer=True,
    )
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        if node.get("model") is not None and node.find("target") is None:
            raise fail(XML_ERROR, "missing <target> element for <memory> device")
        super().read(node, context)
        if self.node is not None and self.node < 0:
            raise fail(XML_ERROR, "invalid value of memory device node")
        if self.model == "nvdimm":
            if self.label_size and self.label_size < 128:
                raise fail(XML_ERROR, "nvdimm label must be at least 128KiB")
            if self.label_size >= self.size:
                raise fail(XML_ERROR, "label size must be smaller than NVDIMM size")
