# What scripts do with exit statuses and error lines.
if virsh domstate web1 >/dev/null 2>&1; then echo web1 is there; fi
if ! virsh domstate nosuch >/dev/null 2>&1; then echo nosuch is not; fi
virsh domstate nosuch; echo "status $?"
virsh destroy web1 2>&1 | sed -n 1p; echo "statuses ${PIPESTATUS[*]}"
err=$(virsh start nosuch 2>&1 >/dev/null) || echo "said: $err"
virsh nosuchcommand; echo "status $?"
virsh list --bogus; echo "status $?"
virsh "domstate nosuch; domstate web1"; echo "status $?"
virsh "domstate web1; domstate nosuch"; echo "status $?"
virsh -q <<END
domstate web1
domstate nosuch
quit
END
echo "status $?"
printf 'list --all --name\nuri # a comment\n' | virsh | grep -v -e '^$' | head -n 4
virsh -c nosuch:///x uri; echo "status $?"
virsh help list >/dev/null && virsh --version | grep -c '^[0-9.]*$'
