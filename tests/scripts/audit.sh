# Go through everything a host has: networks, pools, volumes, on the test host.
export VIRSH_DEFAULT_CONNECT_URI=test:///default
virsh net-list --all | awk 'NR > 2 && NF { print $1, $2, $3 }'
for n in $(virsh net-list --name); do virsh net-dumpxml "$n" | grep -o "bridge name='[^']*'"; done
for p in $(virsh pool-list --name); do
    virsh pool-info "$p" | awk -F': +' '/^(Name|State|Capacity|Available)/ { print $2 }'
    virsh vol-list "$p" | tail -n +3
done
virsh domiflist test | awk 'NR > 2 && NF { print $5 }'
virsh domblklist test --details | awk 'NR > 2 && NF { print $3 "=" $4 }'
virsh 'suspend test; domstate test --reason; resume test; domstate test'
virsh -r 'domstate test; suspend test'; echo "status $?"
