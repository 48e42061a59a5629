# Save all definitions, forget the domains, and bring them back.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
virsh list --all --uuid | grep -c -E '^[0-9a-f-]{36}$'
for d in $(virsh list --all --name); do
    virsh dumpxml --inactive "$d" >"$dir/$d.xml"
done
cat "$dir"/*.xml
for d in $(virsh list --all --name); do virsh undefine "$d"; done
virsh list --all
for f in "$dir"/*.xml; do virsh define "$f" | sed "s,$dir,DIR,"; done
for d in $(virsh list --all --name); do
    virsh dumpxml --inactive "$d" | cmp - "$dir/$d.xml" && echo "$d is back"
done
