"""What x86 CPU models are, as libvirt 9.0.0 knows them.

`FEATURES` are all features, in the order in which libvirt lists them. A line of `MODELS` is a model: its name, its
vendor, where it may be chosen for a set of features (host CPUs, guests and host CPUs, nowhere), the signatures of such
CPUs as family/model/steppings, an earlier model that it resembles, and what it has (+) or lacks (-) in comparison, and
what it once had (!).
"""

#: Features that bar migration.
UNMIGRATABLE = ("xsaves", "invtsc")

FEATURES = """
fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 pn clflush ds acpi mmx fxsr sse sse2 ss ht tm
ia64 pbe pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid fma cx16 xtpr pdcm pcid dca sse4.1 sse4.2 x2apic
movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor arat fsgsbase tsc_adjust sgx bmi1 hle avx2 smep
bmi2 erms invpcid rtm cmt mpx avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel-pt avx512pf
avx512er avx512cd sha-ni avx512bw avx512vl avx512vbmi umip pku ospke waitpkg avx512vbmi2 gfni vaes vpclmulqdq
avx512vnni avx512bitalg avx512-vpopcntdq la57 rdpid bus-lock-detect cldemote movdiri movdir64b sgxlc pks avx512-4vnniw
avx512-4fmaps fsrm avx512-vp2intersect md-clear serialize tsx-ldtrk pconfig arch-lbr amx-bf16 avx512-fp16 amx-tile
amx-int8 spec-ctrl stibp arch-capabilities core-capability ssbd avx-vnni avx512-bf16 xsaveopt xsavec xgetbv1 xsaves
xfd mbm_total mbm_local sgx1 sgx2 sgx-exinfo sgx-debug sgx-mode64 sgx-provisionkey sgx-tokenkey sgx-kss intel-pt-lip
syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm 3dnowext 3dnow lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a
misalignsse 3dnowprefetch osvw ibs xop skinit wdt lwp fma4 tce cvt16 nodeid_msr tbm topoext perfctr_core perfctr_nb
invtsc clzero xsaveerptr wbnoinvd ibpb ibrs amd-stibp amd-ssbd virt-ssbd amd-no-ssb npt lbrv svm-lock nrip-save
tsc-scale vmcb-clean flushbyasid decodeassists pause-filter pfthreshold avic v-vmsave-vmload vgif svme-addr-chk
rdctl-no ibrs-all rsba skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no tsx-ctrl taa-no split-lock-detect
"""
MODELS = """
486 - both - - +fpu +vme +pse
pentium - both - 486 +de +tsc +msr +mce +cx8 +mmx
pentium2 - both - pentium +pae +sep +mtrr +pge +mca +cmov +pat +pse36 +fxsr
pentium3 - both - pentium2 +sse
pentiumpro - both - pentium3 +apic +sse2 -vme -mtrr -mca -pse36
coreduo Intel both - pentiumpro +vme +mtrr +mca +clflush +pni +monitor +nx
n270 Intel both - coreduo +ssse3
core2duo Intel both - n270 +pse36 +syscall +lm
qemu32 - both - pentiumpro +pni
kvm32 - both - coreduo +pse36 -vme -monitor -nx
cpu64-rhel5 - none - kvm32 +syscall +nx +lm
cpu64-rhel6 - none - cpu64-rhel5 +cx16 +lahf_lm
qemu64 - both - cpu64-rhel5 +cx16 +svm
kvm64 - both - qemu64 -svm
Conroe Intel both 6/15,6/22 cpu64-rhel6 +ssse3 -cx16
Penryn Intel both 6/23,6/29 Conroe +cx16 +sse4.1
Nehalem Intel both 6/26,6/30,6/31,6/46 Penryn +sse4.2 +popcnt
Nehalem-IBRS Intel both 6/26,6/30,6/31,6/46 Nehalem +spec-ctrl
Westmere Intel both 6/44,6/47,6/37 Nehalem +aes
Westmere-IBRS Intel both 6/44 Nehalem-IBRS +aes
SandyBridge Intel both 6/42,6/45 Westmere +pclmuldq +x2apic +tsc-deadline +xsave +avx +rdtscp
SandyBridge-IBRS Intel both 6/42,6/45 SandyBridge +spec-ctrl
IvyBridge Intel both 6/58,6/62 SandyBridge +vme +f16c +rdrand +fsgsbase +smep +erms
IvyBridge-IBRS Intel both 6/58,6/62 IvyBridge +spec-ctrl
Haswell-noTSX Intel both 6/60,6/63,6/69,6/70 IvyBridge +fma +pcid +movbe +bmi1 +avx2 +bmi2 +invpcid -vme -f16c -rdrand
Haswell-noTSX-IBRS Intel both 6/60,6/63,6/69,6/70 Haswell-noTSX +spec-ctrl
Haswell Intel both 6/60,6/63,6/69,6/70 Haswell-noTSX +hle +rtm
Haswell-IBRS Intel both 6/60,6/63,6/69,6/70 Haswell-noTSX-IBRS +hle +rtm
Broadwell-noTSX Intel both 6/61,6/71,6/79,6/86 Haswell-noTSX +rdseed +adx +smap +3dnowprefetch
Broadwell-noTSX-IBRS Intel both 6/61,6/71,6/79,6/86 Broadwell-noTSX +spec-ctrl
Broadwell Intel both 6/61,6/71,6/79,6/86 Broadwell-noTSX +hle +rtm
Broadwell-IBRS Intel both 6/61,6/71,6/79,6/86 Broadwell-noTSX-IBRS +hle +rtm
Skylake-Client Intel both 6/94,6/78,6/142,6/158 Broadwell +vme +f16c +rdrand +arat +mpx +xsaveopt +xsavec +xgetbv1
  +abm
Skylake-Client-IBRS Intel both 6/94,6/78,6/142,6/158 Skylake-Client +spec-ctrl
Skylake-Client-noTSX-IBRS Intel host 6/94,6/78,6/142,6/158 Skylake-Client-IBRS -hle -rtm
Skylake-Server Intel both 6/85/0-4 Skylake-Client +avx512f +avx512dq +clwb +avx512cd +avx512bw +avx512vl +pdpe1gb
Skylake-Server-IBRS Intel both 6/85/0-4 Skylake-Server +spec-ctrl
Skylake-Server-noTSX-IBRS Intel host 6/85/0-4 Skylake-Server-IBRS -hle -rtm
Cascadelake-Server Intel both 6/85/5-7 Skylake-Server-IBRS +clflushopt +avx512vnni +ssbd
Cascadelake-Server-noTSX Intel host 6/85/5-7 Cascadelake-Server -hle -rtm
Icelake-Client Intel both 6/126 Skylake-Client-IBRS !intel-pt +avx512vbmi +umip +pku +avx512vbmi2 +gfni +vaes
  +vpclmulqdq +avx512vnni +avx512bitalg +avx512-vpopcntdq +ssbd +wbnoinvd
Icelake-Client-noTSX Intel host 6/126 Icelake-Client !intel-pt -hle -rtm
Icelake-Server Intel both 6/106 Icelake-Client !intel-pt +avx512f +avx512dq +clflushopt +clwb +avx512cd +avx512bw
  +avx512vl +la57 +pdpe1gb
Icelake-Server-noTSX Intel host 6/106 Icelake-Server !intel-pt -hle -rtm
Cooperlake Intel both 6/85/10-11 Cascadelake-Server +pku +stibp +arch-capabilities +avx512-bf16 +rdctl-no +ibrs-all
  +skip-l1dfl-vmentry +mds-no +pschange-mc-no +taa-no -mpx
Snowridge Intel both 6/134 Skylake-Client-noTSX-IBRS +clflushopt +clwb +sha-ni +umip +gfni +cldemote +movdiri
  +movdir64b +arch-capabilities +core-capability +ssbd +pdpe1gb +split-lock-detect -fma -pcid -avx -f16c -bmi1 -avx2
  -bmi2 -invpcid -mpx -adx -abm
athlon AMD both - pentium3 +apic +sse2 +mmxext +3dnowext +3dnow -mca
phenom AMD both - cpu64-rhel5 +monitor +mmxext +fxsr_opt +3dnowext +3dnow +svm
Opteron_G1 AMD both 15/6 cpu64-rhel5
Opteron_G2 AMD both 15/6 cpu64-rhel6 +rdtscp +svm
Opteron_G3 AMD both 15/6 Opteron_G2 !monitor +popcnt +abm +sse4a +misalignsse
Opteron_G4 AMD both 21/1 Opteron_G3 +pclmuldq +ssse3 +sse4.1 +sse4.2 +aes +xsave +avx +pdpe1gb +3dnowprefetch +xop
  +fma4
Opteron_G5 AMD both 21/2 Opteron_G4 +fma +f16c +tbm
EPYC AMD both 23/1 Skylake-Client !monitor +clflushopt +sha-ni +mmxext +fxsr_opt +pdpe1gb +svm +cr8legacy +sse4a
  +misalignsse +osvw -pcid -x2apic -tsc-deadline -hle -erms -invpcid -rtm -mpx
EPYC-IBPB AMD both 23/1 EPYC !monitor +ibpb
EPYC-Rome AMD both 23/49 EPYC-IBPB +clwb +umip +rdpid +perfctr_core +clzero +xsaveerptr +wbnoinvd +amd-stibp +npt
  +nrip-save
EPYC-Milan AMD both 25/1 EPYC-Rome +pcid +erms +invpcid +pku +fsrm +xsaves +ibrs +amd-ssbd +svme-addr-chk
Dhyana Hygon both 24/0 EPYC-IBPB !monitor -pclmuldq -aes -sha-ni
"""
