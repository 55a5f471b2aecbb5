# script/lib.sh: what demo and test share. Sourced, not run.
#
# Finds or installs a server, builds the extension and starts a cluster, and
# writes nothing outside one temporary directory: the extension goes into a
# private copy of the server's files, so that a version of it that is already
# installed stays as it is, and no rights are needed once the packages are there.

readonly OLDEST_SERVER=15
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# A person's settings for psql, make or the compiler are not meant for us.
unset_environment() {
	local name
	for name in ${!PG@}; do
		[ "$name" = PG_CONFIG ] || unset "$name"
	done
	unset MAKEFLAGS MAKELEVEL MFLAGS COPT CDPATH
	export LC_ALL=C TZ=UTC
}

# ---------------------------------------------------------------- talking

say() { printf '==> %s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { complain "$@"; exit 1; }

WORK='' TICKER='' KEEP=false PROPOSED_CONF=''

# A long step is seen to be alive: a dot every two seconds.
start_ticker() {
	(
		trap '' INT
		exec {never}<> <(:)
		while ! read -r -t 2 -u "$never"; do printf .; done
	) &
	TICKER=$!
}

stop_ticker() {
	[ -n "$TICKER" ] || return 0
	kill "$TICKER" 2>/dev/null || true
	wait "$TICKER" 2>/dev/null || true
	TICKER=''
}

# step TEXT COMMAND...: runs a quiet command; shows its output only when it fails.
# Inside a command that is tested bash ignores "set -e", so steps chain with &&.
step() {
	local text=$1 since=$SECONDS log=$WORK/step.log
	shift
	printf '==> %s ' "$text"
	start_ticker
	if "$@" > "$log" 2>&1; then
		stop_ticker
		printf ' %d s\n' $((SECONDS - since))
	else
		stop_ticker
		printf ' failed\n'
		tail -n 40 "$log" | sed 's/^/    /' >&2
		die "failed: $text"
	fi
}

# ---------------------------------------------------------------- the workspace

# Servers refuse to run as root: then they run as postgres, or as nobody.
choose_owner() {
	OWNER=$(id -un)
	if [ "$EUID" -eq 0 ]; then
		OWNER=nobody
		if id postgres > /dev/null 2>&1; then OWNER=postgres; fi
	fi
}

as_owner() {
	if [ "$EUID" -eq 0 ]; then
		(cd "$WORK" && exec runuser -u "$OWNER" -- "$@")
	else
		(cd "$WORK" && exec "$@")
	fi
}

# One directory for everything; programs must be able to run in it, and the
# path of a socket may be no longer than 107 bytes.
make_workspace() {
	local base
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap 'exit 141' PIPE
	for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
		[ ${#base} -le 50 ] || continue
		WORK=$(mktemp -d "$base/customer_centric.XXXXXX" 2>/dev/null) || continue
		chmod 711 "$WORK"
		if cp /bin/true "$WORK/true" && "$WORK/true" 2>/dev/null &&
			{ [ "$EUID" -ne 0 ] || runuser -u nobody -- test -x "$WORK/true" 2>/dev/null; }; then
			rm "$WORK/true"
			return
		fi
		rm -rf "$WORK"
		WORK=''
	done
	die "found no temporary directory in which programs can run; set TMPDIR to one"
}

# A script's last words, given its exit status.
at_exit() { :; }

cleanup() {
	local status=$?
	trap - EXIT
	trap '' INT TERM HUP PIPE
	stop_ticker
	[ -z "$PROPOSED_CONF" ] || "${SUDO[@]}" rm -f "$PROPOSED_CONF"
	if [ -n "$WORK" ] && ! $KEEP; then
		stop_cluster
		cd /
		rm -rf "$WORK"
	fi
	at_exit "$status"
	exit "$status"
}

# ---------------------------------------------------------------- packages

SUDO=()

# Root, or sudo, or a message that says what to do.
need_root_for() {
	command -v apt-get > /dev/null || die "missing: $*
This is neither Debian nor Ubuntu: install them and try again."
	[ "$EUID" -ne 0 ] || return 0
	command -v sudo > /dev/null || die "missing: $*
Neither root nor sudo is at hand. As root, this installs them:
    apt-get install --no-install-recommends $*"
	SUDO=(sudo)
}

apt_get() {
	"${SUDO[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=120 -o APT::Install-Recommends=false "$@" < /dev/null
}

# Old package lists are fine as long as what they name can be had.
apt_install() { apt_get install "$@" || { apt_get update && apt_get install "$@"; }; }

install_packages() {
	[ $# -gt 0 ] || return 0
	need_root_for "$@"
	step "Installing $*" apt_install "$@"
}

# The compiler, make, and what else the caller names as COMMAND:PACKAGE or FILE:PACKAGE
# or perl=MODULE:PACKAGE, if they are not there.
install_tools() {
	local need what missing=()
	for need in make:make "$(server_compiler):$(server_compiler)" /usr/include/stdio.h:libc6-dev "$@"; do
		what=${need%:*}
		case $what in
			/*) [ -e "$what" ] ;;
			perl=*) perl -M"${what#perl=}" -e 1 2>/dev/null ;;
			*) command -v "$what" > /dev/null ;;
		esac || missing+=("${need##*:}")
	done
	install_packages ${missing[@]+"${missing[@]}"}
}

# ---------------------------------------------------------------- the server

server_major() { "$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }
server_compiler() { "$PG_CONFIG" --cc | awk '{ print $1 }'; }
has_server() { [ -x "$("$1" --bindir)/postgres" ] && [ -x "$("$1" --bindir)/initdb" ]; }
has_headers() { [ -e "$("$1" --pgxs)" ] && [ -e "$("$1" --includedir-server)/postgres.h" ]; }

# The pg_config of every usable server on this machine, the newest first.
installed_servers() {
	local candidate
	for candidate in /usr/lib/postgresql/*/bin/pg_config "$(command -v pg_config || true)"; do
		if [ -x "$candidate" ] && has_server "$candidate" 2>/dev/null &&
			[ "$(server_major "$candidate")" -ge $OLDEST_SERVER ]; then
			printf '%s %s\n' "$(server_major "$candidate")" "$candidate"
		fi
	done | sort -rn -s -k1,1 | cut -d' ' -f2-
}

# The major version that the package "postgresql" of the distribution stands for.
distribution_major() {
	{ apt-cache depends postgresql 2>/dev/null || true; } |
		awk -F- '/Depends: postgresql-[0-9]+$/ && !seen++ { print $NF }'
}

# A server's package makes a cluster named "main" and starts it. Nobody asked for
# one here: a drop-in file says so while the package is installed, and goes again.
install_server() {
	local major dropins=/etc/postgresql-common/createcluster.d
	major=$(distribution_major)
	need_root_for "postgresql-${major:-NN}" "postgresql-server-dev-${major:-NN}" make gcc libc6-dev
	[ -n "$major" ] || step "Reading the package lists" apt_get update
	major=$(distribution_major)
	[ -n "$major" ] || die "found no package postgresql; install a server, or name one with PG_CONFIG="
	[ "$major" -ge $OLDEST_SERVER ] ||
		die "this distribution offers PostgreSQL $major, and $OLDEST_SERVER is the oldest supported;
    newer servers: https://www.postgresql.org/download/linux/"
	step "Installing postgresql-common" apt_install postgresql-common
	PROPOSED_CONF=$dropins/customer_centric-no-cluster.conf
	"${SUDO[@]}" mkdir -p "$dropins"
	echo 'create_main_cluster = false' | "${SUDO[@]}" tee "$PROPOSED_CONF" > /dev/null
	step "Installing postgresql-$major, its headers and a compiler" \
		apt_install "postgresql-$major" "postgresql-server-dev-$major" make gcc libc6-dev
	"${SUDO[@]}" rm -f "$PROPOSED_CONF"
	PROPOSED_CONF=''
	PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
}

# PG_CONFIG if it is set, else the newest server with headers, else the newest one,
# else the distribution's.
choose_server() {
	local candidate
	if [ -n "${PG_CONFIG:-}" ]; then
		PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG names no program"
		[ "$(server_major "$PG_CONFIG")" -ge $OLDEST_SERVER ] ||
			die "$("$PG_CONFIG" --version) is too old; $OLDEST_SERVER is the oldest supported"
		has_server "$PG_CONFIG" || die "no server in $("$PG_CONFIG" --bindir), where PG_CONFIG points"
	else
		PG_CONFIG=''
		while read -r candidate; do
			[ -n "$PG_CONFIG" ] || PG_CONFIG=$candidate
			if has_headers "$candidate"; then
				PG_CONFIG=$candidate
				break
			fi
		done < <(installed_servers)
		[ -n "$PG_CONFIG" ] || install_server
	fi
	PG_MAJOR=$(server_major "$PG_CONFIG")
	if ! has_headers "$PG_CONFIG"; then
		install_packages "postgresql-server-dev-$PG_MAJOR"
		has_headers "$PG_CONFIG" || die "the headers of $("$PG_CONFIG" --version) are missing"
	fi
	say "Using $("$PG_CONFIG" --version)"
}

# shadow FROM [ENTRY...]: the directory FROM in the private copy, with symbolic links
# to its entries; the entries named become directories of their own, done the same way.
# What belongs to an installed version of this extension is left out.
shadow() {
	local from=$1 to=$WORK/server$1 entry inner
	shift
	mkdir -p "$to" || return
	for entry in "$from"/*; do
		case ${entry##*/} in customer_centric* | '*') continue ;; esac
		[ -e "$to/${entry##*/}" ] || ln -s "$entry" "$to/" || return
	done
	for inner in "$@"; do
		if [ -d "$from/$inner" ]; then
			rm -f "$to/$inner" && shadow "$from/$inner" || return
		fi
	done
}

# Programs find the other files of their server by their own place, which symbolic
# links would give away: so they are copied, and all else is linked.
copy_server() {
	local bin lib share dir
	bin=$("$PG_CONFIG" --bindir) lib=$("$PG_CONFIG" --pkglibdir) share=$("$PG_CONFIG" --sharedir)
	mkdir -p "$WORK/server$bin" &&
		cp -L "$bin"/* "$WORK/server$bin/" &&
		shadow "$lib" bitcode &&
		shadow "$share" extension || return
	for dir in "$("$PG_CONFIG" --libdir)" "$("$PG_CONFIG" --includedir)" \
		"$("$PG_CONFIG" --pkgincludedir)" "$("$PG_CONFIG" --includedir-server)"; do
		if [ -d "$WORK/server$dir" ] && [ ! -L "$WORK/server$dir" ]; then
			shadow "$dir" || return
		elif [ ! -e "$WORK/server$dir" ]; then
			mkdir -p "$WORK/server${dir%/*}" && ln -s "$dir" "$WORK/server$dir" || return
		fi
	done
}

# ---------------------------------------------------------------- the build

# The clone may be unreadable to whom the server runs as, and is not ours to write to.
copy_source() {
	mkdir -p "$WORK/source" "$WORK/build" &&
		tar -C "$SOURCE" --exclude=./.git --exclude=./build --exclude=./results --exclude=./tmp_check \
			--exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude='./customer_centric--*.sql' \
			-cf - . | tar -C "$WORK/source" --no-same-owner --no-same-permissions -xf - &&
		chmod -R u+rwX,go+rX "$WORK/source"
}

# in_build ARGUMENT...: make, in the build directory, for the private server.
# VPATH is given because servers that were built in their own source tree do not set it.
# Bitcode for inlining is left out: it would need clang.
in_build() {
	as_owner make -C "$WORK/build" -f "$WORK/source/Makefile" VPATH="$WORK/source" \
		PG_CONFIG="$BIN/pg_config" with_llvm=no "$@"
}

build() { in_build -j"$(nproc)" "$@" && in_build install; }

# From nothing to a private server and a copy of the source.
prepare_copies() {
	copy_server || die "cannot copy the server's files to $WORK"
	copy_source || die "cannot copy the source to $WORK"
	choose_owner
	BIN=$WORK/server$("$PG_CONFIG" --bindir)
	if [ "$EUID" -eq 0 ]; then
		chown -hR "$OWNER:" "$WORK/server" "$WORK/source" "$WORK/build"
		chown "$OWNER:" "$WORK"
	fi
	export PATH="$BIN:$PATH"
}

# prepare [MAKE_ARGUMENT...]: the same, with the extension in it.
prepare() {
	prepare_copies
	step "Building the extension" build "$@"
}

# What the build depends on: the sources, the server, the compiler, and what make is told.
build_hash() {
	{
		(cd "$SOURCE" && find src Makefile customer_centric.control -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum)
		"$PG_CONFIG"
		"$(server_compiler)" --version
		printf '%s\n' "$@"
	} | sha256sum | cut -c1-40
}

# The directory of a person's own builds; empty if they have no place that is theirs alone.
build_cache() {
	local cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
	[ -n "$cache" ] && (umask 077 && mkdir -p "$cache/customer_centric") 2>/dev/null || return 0
	cache=$cache/customer_centric
	[ ! -O "$cache" ] || [ -L "$cache" ] || [ -n "$(find "$cache" -maxdepth 0 -perm /022)" ] || printf '%s' "$cache"
}

# Installs into a directory of its own, and from there into the private server; what is
# kept in the cache appears there whole or not at all, and the last few builds stay.
build_and_keep() {
	local kept=$1 new
	shift
	build "$@" && in_build install DESTDIR="$WORK/staged" && [ -d "$WORK/staged$WORK/server" ] || return
	[ -n "$kept" ] || return 0
	new=$(mktemp "$kept.XXXXXX") && tar -C "$WORK/staged$WORK/server" -cf "$new" . && mv -f "$new" "$kept" || rm -f "$new"
	find "${kept%/*}" -maxdepth 1 -name '*.tar*' -printf '%T@ %p\n' | sort -rn | tail -n +5 | cut -d' ' -f2- |
		tr '\n' '\0' | xargs -0 -r rm -f
}

unpack_kept_build() { as_owner tar -C "$WORK/server" --no-same-owner -xf - < "$1"; }

# build_cached [MAKE_ARGUMENT...]: after prepare_copies. What was built before from the same sources is taken as it is.
build_cached() {
	local cache kept=''
	cache=$(build_cache)
	[ -z "$cache" ] || kept=$cache/$(build_hash "$@").tar
	if [ -n "$kept" ] && [ -f "$kept" ] && [ -O "$kept" ]; then
		step "Installing what was built before" unpack_kept_build "$kept"
		touch "$kept"
	else
		step "Building the extension" build_and_keep "$kept" "$@"
	fi
}

# ---------------------------------------------------------------- the cluster

# No TCP, and a socket in a directory of our own: it meets no other server, and no
# other user meets it.
configure_cluster() {
	as_owner tee -a "$WORK/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$WORK/socket'
		timezone = 'UTC'
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		max_wal_size = 2GB
	END
}

start_server() {
	as_owner "$BIN/pg_ctl" -w -s -t 60 -D "$WORK/data" -l "$WORK/server.log" start || {
		cat "$WORK/server.log"
		return 1
	}
}

create_cluster() {
	as_owner mkdir -m 700 "$WORK/socket" &&
		as_owner "$BIN/initdb" --no-sync -A trust -U postgres -E UTF8 --locale=C -D "$WORK/data" &&
		configure_cluster &&
		start_server
}

start_cluster() {
	step "Starting a private cluster" create_cluster
	export PGHOST=$WORK/socket PGPORT=5432 PGUSER=postgres
}

stop_cluster() {
	[ -e "$WORK/data/postmaster.pid" ] || return 0
	as_owner "$BIN/pg_ctl" -s -m immediate -D "$WORK/data" stop > /dev/null 2>&1 || true
}

unset_environment
