# test/instrumented.sh: builds of the extension for AddressSanitizer and valgrind, and
# servers that run with them. Sourced after lib.sh, by test/memory and test/fuzz/run.

# build_instrumented COMPILER FLAGS LINKER_FLAGS [OBJECT...]: builds and installs the
# extension with test/redzones.c around its memory, and with more objects of ours.
build_instrumented() {
	local compiler=$1 flags=$2 linked=$3 objects=(test/redzones.o "${@:4}")
	in_build -s clean &&
		as_owner mkdir -p "$WORK/build/test/fuzz" &&
		instrumented_make "$compiler" "$flags" "${objects[@]}" &&
		instrumented_make "$compiler" "$flags" \
			SHLIB_LINK="-lm ${objects[*]} -Wl,@$WORK/source/test/redzones.ld $linked" all install
}

instrumented_make() {
	local compiler=$1 flags=$2
	shift 2
	in_build -j"$(nproc)" CC="$compiler" COPT="$flags -g -fno-omit-frame-pointer" "$@"
}

# run_postgres_as COMMAND...: from now on every server of the private copy is started by
# this command, but not what sets a cluster up.
run_postgres_as() {
	local postgres=$BIN/postgres
	[ -e "$postgres.real" ] || mv "$postgres" "$postgres.real"
	cat > "$postgres" <<-END
		#!/bin/bash
		case \$1 in
			--boot | --check | --version | -V | -C) exec -a "\$0" "\$0.real" "\$@" ;;
			--single) [ -n "\${INSTRUMENT_SINGLE:-}" ] || exec -a "\$0" "\$0.real" "\$@" ;;
		esac
		exec $* "\$0.real" "\$@"
	END
	chmod 755 "$postgres"
}

# sanitized RUNTIME [ASAN_OPTIONS]: the command for that. AddressSanitizer must be at work
# before any library begins; libgnutls and others would otherwise set it up in the middle
# of a call that holds a lock it needs. Leaks are looked for elsewhere: a process of the
# server frees nothing at its end. Stack depth is measured by the addresses of local
# variables, which therefore must be on the stack.
sanitized() {
	local first=$WORK/first.so
	echo 'void *malloc(unsigned long); void free(void *);
		__attribute__((constructor)) static void begin(void) { free(malloc(1)); }' |
		gcc -x c -fno-builtin -shared -fPIC -Wl,-z,initfirst -o "$first" -
	echo "env LD_PRELOAD=$1:$first UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1" \
		"ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0:${2:-}:\${MORE_ASAN_OPTIONS:-}"
}
