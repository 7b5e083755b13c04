# Sourced by cluster and node: gives this mount namespace a /tmp and a /dev/shm of its own. Open MPI, PMIx and Slurm keep
# files there by host name and process id, which are the same in every cluster. Of the old /tmp only what jobs need is
# seen, where it is there at all: the checkout, the current folder, the program and its libraries.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
mkdir -p /run/tmp
mount --rbind /tmp /run/tmp
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
for folder in "$root" "$PWD" "$(dirname "${EMOSWEEP_PROGRAM:-$root/build}")" "$emosweep_cache"; do
  [[ $folder == /tmp/* && ! -e $folder && -e /run/tmp/${folder#/tmp/} ]] || continue
  mkdir -p "$folder"
  mount --bind "/run/tmp/${folder#/tmp/}" "$folder"
done
cd "$PWD"
