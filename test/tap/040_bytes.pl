# Bytes may come from anywhere: whatever arrives as the binary form of a type is refused with
# one of two codes, or is a value that the text form would have given as well. Nothing crashes.
#
# Valid bytes of every type are cut off at every length, lengthened, have each of their bits
# changed in turn, and many of their bytes changed at random.
use strict;
use warnings;

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
		('{"model": "pareto/nbd", "timing": {"r": 1, "alpha": 2, "s": 3, "beta": 4}, "as_of": "2026-01-01"}')) AS v(m)
	UNION ALL SELECT 'rfm_cuts', rfm_cuts_send(c) FROM (VALUES ((SELECT rfm_cuts(recency_days(h, '2025-01-01'), order_count(h), total_spend(h)) FROM histories)),
		((SELECT counting(recency_days(h, '2025-01-01'), order_count(h), total_spend(h)) FROM histories))) AS v(c)
	UNION ALL SELECT 'segment_rules', segment_rules_send(r) FROM (VALUES ('{"rules": []}'::segment_rules), (default_segment_rules()),
		('{"rules": [{"segment": "Größe 数", "r": [2, 3]}]}')) AS v(r)
	UNION ALL SELECT 'clv_holdout', clv_holdout_send((SELECT holdout(h, '2024-06-30', '2024-12-31', 'bg/nbd') FROM histories))
	UNION ALL SELECT 'retention_base', retention_base_send(b) FROM (VALUES ('{"period_days": 30, "tenures": []}'::retention_base),
		('{"period_months": 12, "tenures": [[0, 0, 5], [1, 4, 2], [3, 1, 6]]}')) AS v(b)
	UNION ALL SELECT 'retention_model', retention_model_send(m) FROM (VALUES ('{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 2}}'::retention_model),
		(retention_fit('{"period_months": 12, "tenures": [[1, 131, 0], [2, 126, 0], [3, 90, 653]]}', 'bdw'))) AS v(m);

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
			code = '22P03' AND type = 'clv_holdout' AND message = 'invalid binary form of type clv_model' OR
			code = '08P01' AND message IN ('insufficient data left in message', 'no data left in message', 'invalid string in message') OR
			code = '22021' AND type = 'segment_rules' THEN
			RETURN 'refused ' || message || ' ' || detail;
		END IF;
		RETURN concat_ws(' ', code, message, detail);
	END \$\$;
	SELECT setseed(0.25);
});

my $file = PostgreSQL::Test::Utils::tempdir . '/bytes';
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
