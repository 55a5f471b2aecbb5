# script/orders.sh: orders for demo and report, and the report itself. Sourced after lib.sh.
#
# The file of orders is read by script/import.pl, which says what it understood.

run_psql() { psql -X -q -v ON_ERROR_STOP=1 -d demo "$@"; }

# take_import_option ARGUMENT...: adds the first to IMPORT_OPTIONS, with its value, and says in TAKEN how many it took.
take_import_option() {
	TAKEN=1
	case $1 in
		--skip-bad) IMPORT_OPTIONS+=("$1") ;;
		--customer=* | --date=* | --amount=* | --order=* | --quantity=* | --status=* | --refund=* | --currency-column=* | --dates=* | \
			--decimal=* | --lines=* | --separator=* | --encoding=* | --currency=* | --keep-status=* | --drop-status=*) IMPORT_OPTIONS+=("$1") ;;
		--customer | --date | --amount | --order | --quantity | --status | --refund | --currency-column | --dates | \
			--decimal | --lines | --separator | --encoding | --currency | --keep-status | --drop-status)
			[ $# -ge 2 ] || die "$1 needs a value"
			IMPORT_OPTIONS+=("$1=$2") TAKEN=2 ;;
		-*) usage >&2; die "unknown option $1" ;;
		*) return 1 ;;
	esac
}

# take_files FILE...: FILES, of a folder those that may be exports, and what to call them in CSV, and in SHORT in a title.
take_files() {
	local file
	FILES=("$@") CSV='' SHORT=''
	[ $# -gt 0 ] || return 0
	if [ $# -eq 1 ] && [ -d "$1" ]; then
		FILES=()
		for file in "${1%/}"/*; do
			case ${file,,} in *.csv | *.tsv | *.txt) FILES+=("$file") ;; esac
		done
		[ ${#FILES[@]} -gt 0 ] || die "there is no .csv, .tsv or .txt file in $1"
	fi
	CSV=$1 SHORT=$(basename -- "$1")
	if [ $# -gt 1 ]; then
		CSV=$(IFS=,; printf '%s' "$*")
		CSV=${CSV//,/, } SHORT+=" and other files"
	fi
}

# Says early what would only show after minutes of installing. A pipe can be read once only.
look_at_files() {
	local i
	for i in "${!FILES[@]}"; do
		[ -e "${FILES[$i]}" ] || die "there is no file ${FILES[$i]}"
		[ ! -f "${FILES[$i]}" ] || continue
		[ -r "${FILES[$i]}" ] && [ ! -d "${FILES[$i]}" ] || die "${FILES[$i]} is not readable"
		mkdir -p "$WORK/input/$i"
		cat "${FILES[$i]}" > "$WORK/input/$i/${FILES[$i]##*/}"
		FILES[$i]=$WORK/input/$i/${FILES[$i]##*/}
	done
	importing --sniff
}

importing() { DEMO_NAME=${0##*/} FILE_NAME=$CSV perl "$SOURCE/script/import.pl" ${IMPORT_OPTIONS[@]+"${IMPORT_OPTIONS[@]}"} "$@" -- "${FILES[@]}"; }

create_database() { step "Creating a database" psql -X -q -d postgres -c "CREATE DATABASE $1"; }

# Shows what was understood as soon as the orders are there.
import_file() {
	local since=$SECONDS status=0
	printf '==> Reading %s ' "$CSV"
	start_ticker
	PGDATABASE=$1 importing > "$WORK/understood" 2> "$WORK/not_understood" || status=$?
	stop_ticker
	printf ' %d s\n' $((SECONDS - since))
	cat "$WORK/understood"
	cat "$WORK/not_understood" >&2
	[ $status -eq 0 ] || exit 1
}

# Two years of a shop, the same every time; one order in five is a customer's last.
simulate() {
	step "Simulating 20,000 customers over two years" run_psql <<-'END'
		CREATE TABLE orders AS
		SELECT to_char(customer_id, 'FM"C"00000') AS customer_id, ordered_at, round(amount::numeric, 2) AS amount
		FROM simulate_orders(20000, '{"model": "bg/nbd", "time_unit_days": 7,
			"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
			"spend": {"p": 6.25, "q": 3.74, "gamma": 22}}', '2024-01-01', '2026-01-01', 1);
		ANALYZE orders;
	END
}

# ---------------------------------------------------------------- the report

new_report_file() {
	local file
	file=$(mktemp "${TMPDIR:-/tmp}/customers.XXXXXX") && mv "$file" "$file.html" && printf '%s' "$file.html"
}

# What draws the pictures is installed once, as the lock file says, and kept beside the builds. Prints the directory.
pictures_directory() {
	local cache kept
	command -v node > /dev/null && command -v npm > /dev/null || return
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || return
	cache=$(build_cache)
	kept=${cache:-$WORK}/pictures-$(sha256sum < "$SOURCE/script/pictures/package-lock.json" | cut -c1-16)
	if [ ! -e "$kept/node_modules/.package-lock.json" ]; then
		mkdir -p "$kept" && cp "$SOURCE"/script/pictures/package*.json "$kept/" &&
			(cd "$kept" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 --loglevel=error) >&2 || return
	fi
	printf '%s' "$kept"
}

install_pictures() { PICTURES=$(pictures_directory); printf '%s' "$PICTURES" > "$WORK/pictures_at"; [ -n "$PICTURES" ]; }

# Modules find others beside their own file only.
page() {
	mkdir -p "$WORK/pictures" && cp "$SOURCE"/script/pictures/*.mjs "$SOURCE"/script/pictures/style.css "$WORK/pictures/" &&
		ln -sfn "$(< "$WORK/pictures_at")/node_modules" "$WORK/pictures/node_modules" &&
		node "$WORK/pictures/page.mjs" "$1" < "$WORK/report.json" > "$2"
}

query_report() { psql -XqAt "$@" -f "$SOURCE/script/report.sql" > "$WORK/report.json"; }
tables_only() { psql -XqAt -d "$1" -v title="$2" -v report_file="$WORK/report.json" -f "$SOURCE/script/report_tables.sql" > "$3"; }

# draw_report DATABASE TITLE FILE [PSQL_ARGUMENT...]: the report of scores that are there.
draw_report() {
	local database=$1 title=$2 file=$3
	shift 3
	step "Asking for the report" query_report -d "$database" "$@"
	if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
		complain "no pictures without Node.js 18 or later (on Debian and Ubuntu: apt-get install nodejs npm); the tables are there"
	elif ! install_pictures 2> "$WORK/pictures.log"; then
		sed 's/^/    /' "$WORK/pictures.log" >&2
		complain "no pictures: what draws them cannot be installed (it takes Node.js 18 or later, and npm); the tables are there"
	else
		step "Drawing" page "$title" "$file"
		say "The report is in $file: open it in a browser"
		return
	fi
	step "Writing the tables" tables_only "$database" "$title" "$file"
	say "The report, without pictures, is in $file: open it in a browser"
}
