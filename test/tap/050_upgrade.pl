# An extension that was upgraded is the same as one that was installed anew: every object with
# every label, default and comment. Values and views that were there before give the same answers.
#
# Every earlier version whose script is installed is upgraded. One is made up here: the present
# version without some of its functions. So it is known that the machinery works before the first
# release needs it; and that the comparison finds what an upgrade forgets, because one forgets.
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__);
use KeptValues;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

my $scripts = $node->config_data('--sharedir') . '/extension';
my $version = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'customer_centric'});
my ($script, $made_up, $forgetful) = ("$scripts/customer_centric--$version.sql", '0.0.1', '0.0.2');
my @earlier = split /\n/, $node->safe_psql('postgres',
	"SELECT version FROM pg_available_extension_versions WHERE name = 'customer_centric' AND version <> '$version'");

plan skip_all => "$scripts cannot be written to" if !-w $scripts;
plan skip_all => 'versions of an earlier run are in the way' if grep { $_ eq $made_up || $_ eq $forgetful } @earlier;

# ---------------------------------------------------------------- versions that never were

# The statements about some functions, taken out of the script.
my $rest = slurp_file($script);
my @added;
foreach my $function (qw(regularity segment_rules_check spend_log_likelihood))
{
	$rest =~ s/^(CREATE FUNCTION $function\(.*?;\n)//ms or BAIL_OUT("$function is not in $script");
	push @added, $1;
	$rest =~ s/^(COMMENT ON FUNCTION $function\(.*?;\n)//ms or BAIL_OUT("$function has no comment");
	push @added, $1;
}
# ... and an older comment and cost, which the upgrade brings up to date.
my $comment = qr/^(COMMENT ON FUNCTION order_count\(.*?) IS '(.*?)';$/m;
my ($newer) = $rest =~ /($comment)/;
$rest =~ s/$comment/$1 IS 'as it was';/;
push @added, "$newer\n";

my $guard = qq{\\echo Use "ALTER EXTENSION customer_centric UPDATE" to load this file. \\quit\n};
my %files = (
	"customer_centric--$made_up.sql" => $rest,
	"customer_centric--$made_up--$version.sql" => $guard . join('', @added),
	# without its last statement: the comment stays as it was
	"customer_centric--$forgetful.sql" => $rest,
	"customer_centric--$forgetful--$version.sql" => $guard . join('', @added[ 0 .. $#added - 1 ]));
append_to_file("$scripts/$_", $files{$_}) foreach sort keys %files;
END { unlink "$scripts/$_" foreach keys %files; }

# ---------------------------------------------------------------- what is compared

# Every member of the extension, with all that the catalogs say of it except for numbers that
# differ from installation to installation.
my $catalog = q{
	SET search_path = pg_catalog;
	SELECT classid::regclass || ' ' || pg_describe_object(classid, objid, 0) || ' ' || coalesce(obj_description(objid, classid::regclass::name), 'NO COMMENT') || ' ' ||
		CASE classid
		WHEN 'pg_proc'::regclass THEN (SELECT concat_ws(' ', pg_get_function_arguments(oid), '->', pg_get_function_result(oid), prosrc, probin, prokind, provolatile,
			proparallel, proisstrict, proleakproof, prosecdef, procost, prorows, proconfig, proacl, prosqlbody IS NULL) FROM pg_proc WHERE oid = objid) || coalesce(
			(SELECT concat_ws(' ', ' aggregate', aggkind, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggfinalextra, aggfinalmodify,
			aggtranstype::regtype, aggtransspace, agginitval) FROM pg_aggregate WHERE aggfnoid = objid), '')
		WHEN 'pg_type'::regclass THEN (SELECT concat_ws(' ', typlen, typbyval, typtype, typcategory, typalign, typstorage, typinput, typoutput, typreceive, typsend,
			typelem::regtype, typarray::regtype, typacl) FROM pg_type WHERE oid = objid)
		WHEN 'pg_operator'::regclass THEN (SELECT concat_ws(' ', oprcode, oprrest, oprjoin, oprcom::regoperator, oprnegate::regoperator, oprcanmerge, oprcanhash)
			FROM pg_operator WHERE oid = objid)
		WHEN 'pg_cast'::regclass THEN (SELECT concat_ws(' ', castfunc::regprocedure, castcontext, castmethod) FROM pg_cast WHERE oid = objid)
		WHEN 'pg_opclass'::regclass THEN (SELECT concat_ws(' ', opcdefault, opckeytype::regtype) FROM pg_opclass WHERE oid = objid)
		WHEN 'pg_opfamily'::regclass THEN (SELECT string_agg(x, ' ' ORDER BY x) FROM (
			SELECT amopstrategy || ' ' || amopopr::regoperator FROM pg_amop WHERE amopfamily = objid
			UNION ALL SELECT amprocnum || ' ' || amproc::regprocedure FROM pg_amproc WHERE amprocfamily = objid) AS y(x))
		END
	FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
	ORDER BY 1};

# A value of every type, and a view of scores.
my $stored = q{
	CREATE TABLE orders AS SELECT customer_id, ordered_at, amount::numeric(12, 2) FROM simulate_orders(500, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	CREATE TABLE histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id;
	CREATE INDEX ON histories (h);
	CREATE TABLE kept AS
	SELECT b, clv_fit(b) AS m, c, g, r, retention_fit(r) AS rm, i FROM (SELECT customer_base(h) AS b, rfm_cuts(recency_days(h, '2025-01-01'), order_count(h), total_spend(h)) AS c,
		default_segment_rules() AS g, retention_base(1 + (customer_id % 20)::int, customer_id % 3 = 0, 1, '1 month') AS r,
		same_customer(customer_id, customer_id % 90) AS i FROM histories) AS x;
	CREATE VIEW scores AS SELECT customer_id, churn_prob(h, m) AS churn, clv_estimate(h, m) AS clv, rfm_score(recency_days(h, '2025-01-01'), order_count(h), total_spend(h), c) AS rfm FROM histories, kept;
	SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount');
} . keep_values('h');
my $answers = q{
	SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM (SELECT scores::text FROM scores UNION ALL SELECT s::text FROM customer_scores_bi AS s
		UNION ALL SELECT histories::text FROM histories UNION ALL SELECT kept::text FROM kept UNION ALL SELECT kept_values::text FROM kept_values
		UNION ALL SELECT retention_curve(rm, 12)::text FROM kept UNION ALL SELECT segment_of(rfm, g) FROM scores, kept
		UNION ALL SELECT (clv_fit(b, 'pareto/nbd'))::text FROM kept) AS x(t)};
my $refresh = 'REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores; REINDEX TABLE histories;
	SET enable_seqscan = off; SELECT count(*) FROM histories AS a JOIN histories AS b ON a.h = b.h AND a.customer_id = b.customer_id';

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION customer_centric');
$node->safe_psql('fresh', $stored);
keep_values_of_all_types($node, 'fresh');
my ($fresh_catalog, $fresh_answers) = map { $node->safe_psql('fresh', $_) } $catalog, $answers;
cmp_ok(scalar(split /\n/, $fresh_catalog), '>', 300, 'the catalog is described');
is(join("\n", grep { /NO COMMENT/ && !/ type \S+\[\] / } split /\n/, $fresh_catalog), '', 'every object has a comment');

foreach my $before (@earlier, $made_up, $forgetful)
{
	(my $database = "from_$before") =~ s/\W/_/g;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION customer_centric VERSION '$before'");
	isnt($node->safe_psql($database, $catalog), $fresh_catalog, "$before: is another version");
	$node->safe_psql($database, $stored);
	my $answers_before = $node->safe_psql($database, $answers);

	isnt($node->safe_psql($database, "SELECT path FROM pg_extension_update_paths('customer_centric') WHERE source = '$before' AND target = '$version'"),
		'', "$before: there is a way to $version");
	my ($status, $stdout, $stderr) = $node->psql($database, 'ALTER EXTENSION customer_centric UPDATE');
	is($status, 0, "$before: upgraded") or diag $stderr;
	is($node->safe_psql($database, q{SELECT extversion FROM pg_extension WHERE extname = 'customer_centric'}), $version, "$before: to $version");
	is($node->safe_psql($database, $answers), $answers_before, "$before: answers stay");
	is($node->safe_psql($database, $refresh), '500', "$before: views and indexes go on");
	is($node->safe_psql($database, $answers), $fresh_answers, "$before: answers are those of a fresh installation");

	my $upgraded = $node->safe_psql($database, $catalog);
	if ($before eq $forgetful)
	{
		my %fresh = map { $_ => 1 } split /\n/, $fresh_catalog;
		my @differ = grep { !$fresh{$_} } split /\n/, $upgraded;
		is(scalar(@differ), 1, 'what an upgrade forgets is found');
		like($differ[0] // '', qr/order_count.* as it was /, 'and named');
	}
	else
	{
		is($upgraded, $fresh_catalog, "$before: so is the catalog");
	}

	# Dumps name the extension and not its version: they are restored into the present one.
	my $dump = $node->basedir . "/$database.sql";
	command_ok([ 'pg_dump', '--no-sync', '-f', $dump, $node->connstr($database) ], "$before: dumped");
	unlike(slurp_file($dump), qr/CREATE FUNCTION \S*(days_overdue|customer_base_in)\b/, "$before: members are not in the dump");
}

$node->stop;
done_testing();
