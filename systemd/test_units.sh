#!/bin/bash
# Installs into a temporary root, as a package would, and holds the units to what they promise: systemd understands every
# line, each unit's exposure is at most 2.0, and every file they name is there.
# usage: test_units.sh BUILD_DIRECTORY PREFIX SYSCONFDIR
set -euo pipefail

build=$1 prefix=$2 etc=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failures=0

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  failures=$((failures + 1))
}

install_into_root() {
  if ! DESTDIR=$root cmake --install "$build" >"$root/install.log" 2>&1; then
    cat "$root/install.log" >&2
    fail "cmake --install (are the programs built?)"
    exit 1
  fi
  # What the units take from the host.
  install -D -m 755 /bin/kill "$root/bin/kill"
  install -d "$root/etc" "$root/usr/lib/systemd/system"
  cp -r /usr/lib/systemd/system/. "$root/usr/lib/systemd/system/"
}

# systemd-analyze verify returns 0 on unknown keys: any word of it is a failure.
verify() {
  local said
  if ! said=$(systemd-analyze verify --man=no --root="$root" "$1" 2>&1); then fail "verify $1 returns an error"; fi
  said=$(grep -F -e "linekeeper" -e "$1" <<<"$said" || true)
  [[ -z $said ]] || fail "verify $1 says: $said"
}

exposure() {
  local said
  if said=$(systemd-analyze security --no-pager --offline=true --threshold=20 --root="$root" "$1" 2>&1); then
    tail -n 1 <<<"$said"
  else
    fail "exposure of $1 is above 2.0: $(tail -n 1 <<<"$said")"
  fi
}

programs_exist() {
  local line program
  while read -r line; do
    program=${line#*=}
    program=${program%% *}
    [[ -x $root$program ]] || fail "$1 starts $program, which is not installed"
  done < <(grep -h '^Exec' "$units/$1")
}

units=$root$prefix/lib/systemd/system
install_into_root
for unit in linekeeper-switch.service linekeeper.service linekeeper-reflect.service; do
  [[ -f $units/$unit ]] || { fail "$unit is not installed"; continue; }
  programs_exist "$unit"
  verify "$unit"
  exposure "$unit"
done

for file in "$prefix/lib/sysusers.d/linekeeper.conf" "$prefix/lib/tmpfiles.d/linekeeper.conf" "$prefix/lib/sysctl.d/60-linekeeper.conf" \
  "$prefix/lib/systemd/networkd.conf.d/linekeeper.conf" "$etc/iproute2/rt_protos.d/linekeeper.conf" "$etc/linekeeper/linekeeper.example.toml"; do
  [[ -f $root$file ]] || fail "$file is not installed"
done

# The users the units name are those that sysusers.d makes, and systemd can read the file.
said=$(systemd-sysusers --root="$root" "$root$prefix/lib/sysusers.d/linekeeper.conf" 2>&1) || fail "sysusers: $said"
while read -r user; do
  grep -q "^$user:" "$root/etc/passwd" || fail "no user $user after sysusers"
done < <(sed -n 's/^User=//p' "$units"/linekeeper*.service)
while read -r group; do
  grep -q "^$group:" "$root/etc/group" || fail "no group $group after sysusers"
done < <(sed -n 's/^Group=//p' "$units"/linekeeper*.service)

# The file a daemon is started with must be where the settings go.
grep -q -- "--config $etc/linekeeper/linekeeper.toml" "$units/linekeeper.service" || fail "linekeeper.service reads another file than $etc/linekeeper/linekeeper.toml"

[[ $failures -eq 0 ]] || exit 1
echo "units, users and settings are as promised"
