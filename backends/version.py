"""The libvirt version whose interface and behaviour vsh has."""

#: 9.0.0, in libvirt's form: major * 1,000,000 + minor * 1,000 + release.
LIBVIRT_VERSION = 9_000_000
