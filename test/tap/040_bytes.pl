# Bytes may come from anywhere: whatever arrives as the binary form of a type is refused with
# one of two codes, or is a value that the text form would have given as well. Nothing crashes.
#
# Valid bytes of every type are cut off at every length, lengthened, have each of their bits
# changed in turn, and many of their bytes changed at random.
use strict;
use warnings;

use File::Temp qw(tempdir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bytes');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = fatal\nlog_min_error_statement = fatal\nlog_statement = none\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');

my $model = q{'{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'};
$node->safe_psql(
	'postgres', qq{
	CREATE TABLE histories AS SELECT purchase_history(ordered_at, amount) AS h
	FROM simulate_orders(60, $model, '2024-01-01', '2025-01-01', 1) GROUP BY customer_id;
	CREATE AGGREGATE counting(int, bigint, float8) (SFUNC = rfm_cuts_add, STYPE = rfm_cuts);

	-- A small and a large value of each type, and of each form a type has.
	CREATE TABLE samples (type text, bytes bytea);
	INSERT INTO samples
	SELECT 'purchase_history', purchase_history_send(h) FROM (VALUES ('{"orders": []}'::purchase_history),
		('{"orders": [["2026-01-01", 12.5], ["2026-01-01", null], ["2026-02-01", -0.123456789]]}'),
		((SELECT rollup(h) FROM histories))) AS v(h)
	UNION ALL SELECT 'customer_base', customer_base_send(b) FROM (VALUES ('{"timing": []}'::customer_base),
		('{"timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 32847, 2, 5, 6, 7]]}'), ((SELECT customer_base(h) FROM histories))) AS v(b)
	UNION ALL SELECT 'clv_model', clv_model_send(m) FROM (VALUES ($model\::clv_model), ((SELECT clv_model(h) FROM histories)),
		('{"model": "pareto/nbd", "timing": {"r": 1, "alpha": 2, "s": 3, "beta": 4}, "as_of": "2026-01-01"}'),
		('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "season": {"by": "year", "factors": [1], "days": [["2025-12-24", 0.25], ["2026-04-05", 3]]}}'),
		((SELECT clv_fit(customer_base(h), 'bg/nbd', season => season(h, 'month')) FROM histories))) AS v(m)
	UNION ALL SELECT 'season', season_send(s) FROM (VALUES ('{"by": "year", "factors": [1], "days": [["2025-12-24", 0.25], ["2026-04-05", 3]]}'::season),
		((SELECT season(h, 'month') FROM histories)), (season_of_factors('week', ARRAY(SELECT 1 + i % 7 / 8.0 FROM generate_series(1, 53) AS i)))) AS v(s)
	UNION ALL SELECT 'rfm_cuts', rfm_cuts_send(c) FROM (VALUES ((SELECT rfm_cuts(recency_days(h, '2025-01-01'), order_count(h), total_spend(h)) FROM histories)),
		((SELECT counting(recency_days(h, '2025-01-01'), order_count(h), total_spend(h)) FROM histories))) AS v(c)
	UNION ALL SELECT 'segment_rules', segment_rules_send(r) FROM (VALUES ('{"rules": []}'::segment_rules), (default_segment_rules()),
		('{"rules": [{"segment": "Größe 数", "r": [2, 3]}]}')) AS v(r)
	UNION ALL SELECT 'segment_transitions', segment_transitions_send(t) FROM (VALUES ('{"moves": []}'::segment_transitions),
		('{"moves": [[null, "Größe 数", 3], ["A", "Größe 数", 900], ["A", null, 1]]}')) AS v(t)
	UNION ALL SELECT 'customer_identities', customer_identities_send(i) FROM (VALUES ('{"groups": []}'::customer_identities),
		('{"groups": [["17", "a\@b.example"], ["Größe", "数", "x"]]}')) AS v(i)
	UNION ALL SELECT 'clv_holdout', clv_holdout_send((SELECT holdout(h, '2024-06-30', '2024-12-31', 'bg/nbd') FROM histories))
	UNION ALL SELECT 'clv_holdout', clv_holdout_send((SELECT holdout(h, '2024-06-30', '2024-12-31', 'bg/nbd', 'month') FROM histories))
	UNION ALL SELECT 'customer_equity', customer_equity_send((SELECT customer_equity(h, m) FROM histories, (SELECT clv_model(h) FROM histories) AS f(m)))
	UNION ALL SELECT 'acquisition_model', acquisition_model_send(a) FROM (VALUES (acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44], '2024-01-01', 'quarter', 'naive')),
		(acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44], '2024-01-01', 'year', 'seasonal')),
		(acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44, 40, 37], '2015-01-01', 'year', 'weibull-gamma', '{1000}', lost => '{0, 1, 2, 3, 4, 4, 4, 5, 5, NULL}'))) AS v(a)
	UNION ALL SELECT 'retention_base', retention_base_send(b) FROM (VALUES ('{"period_days": 30, "tenures": []}'::retention_base),
		('{"period_months": 12, "tenures": [[0, 0, 5], [1, 4, 2], [3, 1, 6]]}')) AS v(b)
	UNION ALL SELECT 'retention_model', retention_model_send(m) FROM (VALUES ('{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 2}}'::retention_model),
		(retention_fit('{"period_months": 12, "tenures": [[1, 131, 0], [2, 126, 0], [3, 90, 653]]}', 'bdw'))) AS v(m)
	UNION ALL SELECT 'contact_log', contact_log_send(l) FROM (VALUES ('{"contacts": []}'::contact_log),
		('{"contacts": [["1999-12-31T23:59:59Z", 1], ["2026-02-20T08:30:00Z", 2]]}')) AS v(l)
	UNION ALL SELECT 'fatigue', fatigue_send(f) FROM (VALUES ('{"left_out": 1, "contacts": [[0, 40, 24, 8], [1, 50, 26, 14]]}'::fatigue)) AS v(f)
	UNION ALL SELECT 'relevance_audit', relevance_audit_send(a) FROM (VALUES ('{"contacts": [[0, 90], [5, 10]]}'::relevance_audit)) AS v(a)
	UNION ALL SELECT 'replenishment', replenishment_send(replenishment(h)) FROM histories
	UNION ALL SELECT 'hour_profile', hour_profile_send(p) FROM (VALUES ('{"by": "hour", "events": []}'::hour_profile), ('{"by": "daypart", "events": [[2, 3], [4, 8]]}')) AS v(p)
	UNION ALL SELECT 'hour_prior', hour_prior_send(p) FROM (VALUES ('{"by": "weekday", "customers": [[2, 3, 1], [3, 5, 2], [4, 8, 1], [24, 5, 2], [24, 11, 1]]}'::hour_prior)) AS v(p)
	UNION ALL SELECT 'rate_prior', rate_prior_send(p) FROM (VALUES ('{"by": "proportion", "left_out": 1, "units": [[20, 7, 2], [60, 4, 1]]}'::rate_prior), ('{"by": "count", "units": [[2.5, 0, 3]]}')) AS v(p)
	UNION ALL SELECT 'rate_index', rate_index_send(i) FROM (VALUES ('{"segments": []}'::rate_index), ('{"left_out": 2, "segments": [["Größe 数", 70, 90], ["a", 9, 20]]}')) AS v(i)
	UNION ALL SELECT 'question_weights', question_weights_send('{"customers": [[82064091, 40, 22], [90090020, 20, 0]]}')
	UNION ALL SELECT 'journey', journey_send(j) FROM (VALUES ('{"events": []}'::journey), ('{"left_out": 1, "events": [["1999-12-31T23:59:59Z", 1, 1], ["2026-03-01T10:05:00.250000Z", 2, 2], ["2026-03-01T10:05:00.250000Z", 12, 1]]}')) AS v(j)
	UNION ALL SELECT 'journey_funnel', journey_funnel_send('{"customers": [[0, 0, 1], [1, 604800000000, 3], [2, 0, 3], [4, 0, 1], [8, 0, 1], [9, 1028, 1], [10, 1028, 1]]}')
	UNION ALL SELECT 'item_pairs', item_pairs_send(p) FROM (VALUES ('{"units": 0, "items": [], "pairs": []}'::item_pairs), ('{"units": 10, "skipped": 1, "items": [["Größe 数", 7], ["b", 7], ["c", 4]], "pairs": [[0, 1, 5], [1, 2, 4]]}')) AS v(p)
	UNION ALL SELECT 'recommendation_check', recommendation_check_send('{"sums": [[0, 0, 2], [1, 0, 4294967296], [3, 0, 1], [8, 2, 2]]}')
	UNION ALL SELECT 'covariate_path', covariate_path_send(p) FROM (VALUES ('{"steps": []}'::covariate_path), ('{"left_out": 3, "steps": [["1999-12-31", 0, 1.5], ["2024-03-01", 1, null], ["2024-09-01", 1, -2]]}')) AS v(p)
	UNION ALL SELECT 'path_base', path_base_send(b) FROM (VALUES ('{"covariates": 0, "customers": []}'::path_base),
		((SELECT path_base(h, '{"steps": [["2023-01-01", 0, 1.5], ["2024-03-01", 1, 0]]}', '2024-12-31') FROM histories))) AS v(b)
	UNION ALL SELECT 'event_study', event_study_send(s) FROM (VALUES ('{"counts": []}'::event_study), ('{"counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109495, 50], [2, 109505, 50], [3, 0, 100]]}')) AS v(s)
	UNION ALL SELECT 'period_audit', period_audit_send(a) FROM (VALUES ((SELECT period_audit(h, '2024-01-01', '2025-01-01', h) FROM histories)),
		('{"profit": false, "customers": [[1, 0.123456789, 0, 2], [3, 5, 0, 1]]}')) AS v(a)
	UNION ALL SELECT 'period_change', period_change_send((SELECT period_change(h, '2024-01-01', '2024-07-01', '2024-07-01', '2025-01-01') FROM histories))
	UNION ALL SELECT 'cohort_audit', cohort_audit_send(a) FROM (VALUES ((SELECT cohort_audit(h, 'quarter', '2025-01-01', h) FROM histories)),
		((SELECT cohort_audit(h, 'year', '2025-01-01', date '2024-06-01') FROM histories))) AS v(a)
	UNION ALL SELECT 'uplift', uplift_send(u) FROM (VALUES (uplift_of_counts(20, 3, 5, 1)), ((SELECT uplift(i % 3 > 0, i * 0.1, i % 7) FROM generate_series(1, 30) AS i))) AS v(u)
	UNION ALL SELECT 'uplift_segments', uplift_segments_send(s) FROM (VALUES ('{"segments": []}'::uplift_segments),
		((SELECT uplift_segments('Größe ' || i, uplift_of_counts(20, i, 5, 1)) FROM generate_series(1, 3) AS i))) AS v(s)
	UNION ALL SELECT 'response_curve', response_curve_send(r) FROM (VALUES ((SELECT response_curve(i % 4, i % 7) FROM generate_series(1, 40) AS i)),
		((SELECT response_curve(i % 4, i / 7.0, 3) FROM generate_series(1, 40) AS i)), ('{"curve": "hill", "c": 2, "h": 1.5, "covariance": [0.01, 0.002, 0.04], "tested_max": 5}')) AS v(r)
	UNION ALL SELECT 'budget_plan', budget_plan_send(p) FROM (VALUES ('{"segments": []}'::budget_plan),
		((SELECT budget_plan('Größe ' || i, 10, '{"curve": "exp", "c": 2, "k": 0.5}', i, 0, NULL) FROM generate_series(1, 3) AS i))) AS v(p);

	-- What comes of bytes: an accepted value must be sound, which its text form proves, since
	-- every rule is checked on the way in; and be sent again in such a way that it arrives as itself.
	CREATE FUNCTION received(bytes bytea, type text, file text) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE
		sound boolean; code text; message text; detail text;
	BEGIN
		EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
		EXECUTE format('COPY received_%s FROM %L (FORMAT binary)', type, file);
		EXECUTE format('SELECT v::text::%1\$s = v AND %1\$s_send(v::text::%1\$s) = %1\$s_send(v) FROM received_%1\$s', type) INTO sound;
		RAISE EXCEPTION USING ERRCODE = 'P0001', MESSAGE = CASE WHEN sound THEN 'accepted' ELSE 'unsound' END;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
		-- (what was received goes again)
		IF code = 'P0001' THEN
			RETURN message;
		END IF;
		-- malformed, or what is within is; too short; or a name that is no text of the server's encoding
		IF code = '22P03' AND message IN ('invalid binary form of type ' || type, 'incorrect binary data format') OR
			code = '22P03' AND type IN ('clv_holdout', 'customer_equity') AND message = 'invalid binary form of type clv_model' OR
			code = '08P01' AND message IN ('insufficient data left in message', 'no data left in message', 'invalid string in message') OR
			code = '22021' AND type IN ('segment_rules', 'segment_transitions', 'customer_identities', 'uplift_segments', 'budget_plan', 'rate_index', 'item_pairs') THEN
			RETURN 'refused ' || message || ' ' || detail;
		END IF;
		RETURN concat_ws(' ', code, message, detail);
	END \$\$;
	SELECT setseed(0.25);
});

# Where there is memory for files: a disk may be waited for each time that the file is replaced.
my $file = (-w '/dev/shm' ? tempdir(DIR => '/dev/shm', CLEANUP => 1) : PostgreSQL::Test::Utils::tempdir) . '/bytes';
my @types = split /\n/, $node->safe_psql('postgres', 'SELECT DISTINCT type FROM samples ORDER BY 1');
is("@types", join(' ', split /\n/, $node->safe_psql('postgres', q{
	SELECT t.typname FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.objid AND d.classid = 'pg_type'::regclass
	WHERE d.deptype = 'e' AND t.typtype = 'b' AND t.typelem = 0
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric') ORDER BY 1})), 'every type has samples');

my %cases = (
	'as they are' => 'SELECT bytes AS b FROM samples WHERE type = $1',
	'cut off' => 'SELECT substr(bytes, 1, n) FROM samples, generate_series(0, least(length(bytes) - 1, 100)) AS n WHERE type = $1
		UNION ALL SELECT substr(bytes, 1, length(bytes) - n) FROM samples, generate_series(1, least(length(bytes), 50)) AS n WHERE type = $1',
	'lengthened' => 'SELECT bytes || more FROM samples, (VALUES (\'\x00\'::bytea), (\'\xff\'), (decode(repeat(\'00\', 24), \'hex\'))) AS v(more) WHERE type = $1
		UNION ALL SELECT bytes || bytes FROM samples WHERE type = $1 AND length(bytes) > 5',
	'one bit changed' => 'SELECT set_bit(bytes, bit, 1 - get_bit(bytes, bit)) FROM samples, generate_series(0, least(length(bytes), 48) * 8 - 1) AS bit WHERE type = $1',
	'one byte extreme' => 'SELECT set_byte(bytes, n, byte) FROM samples, generate_series(0, least(length(bytes), 250) - 1) AS n,
		unnest(\'{127,128,255}\'::int[]) AS byte WHERE type = $1',
	'changed at random' => 'SELECT overlay(bytes PLACING decode(lpad(to_hex((random() * 2147483647)::int), 8, \'0\'), \'hex\') FROM 1 + (random() * greatest(length(bytes) - 5, 0))::int
		FOR (random() * 8)::int) FROM samples, generate_series(1, 100) WHERE type = $1',
	'noise' => 'SELECT substr(\'\x01\'::bytea || decode(md5(n::text) || md5((-n)::text), \'hex\'), 1, n % 33) FROM generate_series(1, 100) AS n WHERE $1 IS NOT NULL');

foreach my $type (@types)
{
	$node->safe_psql('postgres', "CREATE UNLOGGED TABLE received_$type (v $type)");
	my ($tried, $accepted) = (0, 0);
	foreach my $case (sort keys %cases)
	{
		(my $query = $cases{$case}) =~ s/\$1/'$type'/g;
		my @results = split /\n/, $node->safe_psql(
			'postgres', qq{
			SELECT split_part(result, ' ', 1), count(*), min(result), min(b::text)
			FROM (SELECT b, received(b, '$type', '$file') AS result FROM ($query) AS q(b)) AS x GROUP BY 1});
		my %count = map { my ($kind, $n) = split /\|/; $kind => $n } @results;
		$tried += $_ foreach values %count;
		$accepted += $count{accepted} // 0 if $case ne 'as they are';
		my @bad = grep { !/^(accepted|refused)\|/ } @results;
		is("@bad", '', "$type, $case: refused or sound");
		is(join(' ', sort keys %count), 'accepted', "$type, $case: accepted") if $case eq 'as they are';
		is($count{accepted} // 0, 0, "$type, $case: refused") if $case eq 'cut off' || $case eq 'lengthened';
	}
	note("$type: $tried byte strings, of which $accepted changed ones are values");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
