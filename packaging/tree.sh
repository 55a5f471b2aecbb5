# packaging/tree.sh: fresh Debian trees for trying packages in. Sourced, by root, in a mount namespace of its own.

in_tree() {
	chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "${@:2}"
}

# Mounts are in a namespace that goes with the process; no service starts and no cluster is made.
make_tree() {
	debootstrap --variant=minbase "$1" "$2" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" > "$2.log" 2>&1
	mount -t proc proc "$2/proc"
	printf '#!/bin/sh\nexit 101\n' > "$2/usr/sbin/policy-rc.d"
	chmod +x "$2/usr/sbin/policy-rc.d"
	mkdir -p "$2/etc/postgresql-common"
	echo 'create_main_cluster = false' > "$2/etc/postgresql-common/createcluster.conf"
	{ apt-config dump Acquire::http | grep -i proxy || true; echo 'APT::Install-Recommends "false";'; } > "$2/etc/apt/apt.conf.d/99small"
	in_tree "$2" apt-get -q update
}

# The rest of the script, in a namespace whose mounts go with it.
in_namespace() {
	[ "$EUID" -eq 0 ] || { echo "this needs root" >&2; exit 1; }
	[ -n "${IN_NAMESPACE:-}" ] || IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
}
