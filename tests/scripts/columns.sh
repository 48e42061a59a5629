# Cut columns out of tables and of "Key: value" lines.
virsh list --all | awk 'NR > 2 && NF { print $2 ":" $3 " " $4 }'
virsh list --all | tail -n +3 | grep -c 'shut off'
virsh -q list --all | while read -r id name state; do echo "[$id] [$name] [$state]"; done
virsh dominfo web1 | awk -F': +' '/^(Name|State|CPU\(s\)|Max memory|Persistent|Autostart)/ { print $1 "=" $2 }'
virsh dominfo web2 | sed -n 's/^Max memory: *\([0-9]*\) KiB$/\1/p'
virsh domblklist web1 | awk 'NR > 2 { print $1 }'
virsh list --all --title | head -n 2
virsh uri | grep -o '^[a-z]*'
