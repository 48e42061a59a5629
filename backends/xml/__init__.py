"""The typed model of libvirt's XML: text in, checked objects with defaults, libvirt's text out."""
