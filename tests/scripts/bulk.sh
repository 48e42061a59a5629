# Start all domains, then stop them, as cron jobs and init scripts do.
set -euo pipefail
for d in $(virsh list --all --name); do
    virsh start "$d"
done
for d in $(virsh list --name); do
    virsh suspend "$d" >/dev/null && echo "$d: $(virsh domstate "$d")"
    virsh resume "$d"
done
virsh list --state-running --name | sort
for d in $(virsh list --name); do
    virsh destroy "$d" || echo "could not stop $d"
done
until [ -z "$(virsh list --name)" ]; do sleep 0.1; done
virsh -q list --all | wc -l
