-- Aggregates of a user's own over our transition functions: what they leave is a value like any other,
-- with the same bytes as that of ours, whatever final function they have.

CREATE TABLE purchases AS
SELECT n % 7 AS customer, date '2025-01-01' + (n * 37) % 300 AS day, ((n * 13) % 50)::numeric + 0.5 AS amount FROM generate_series(1, 200) AS n;

CREATE FUNCTION as_it_is(purchase_history) RETURNS purchase_history LANGUAGE sql IMMUTABLE STRICT RETURN $1;
CREATE FUNCTION as_it_is(retention_base) RETURNS retention_base LANGUAGE plpgsql IMMUTABLE STRICT AS 'BEGIN RETURN $1; END';
CREATE AGGREGATE history_bare(date, numeric) (SFUNC = purchase_history_add_date_numeric, STYPE = purchase_history,
	COMBINEFUNC = purchase_history_merge, PARALLEL = SAFE);
CREATE AGGREGATE history_as_it_is(date, numeric) (SFUNC = purchase_history_add_date_numeric, STYPE = purchase_history, FINALFUNC = as_it_is);
CREATE AGGREGATE history_begun(date, numeric) (SFUNC = purchase_history_add_date_numeric, STYPE = purchase_history, INITCOND = '{"orders": []}');
CREATE AGGREGATE history_spend(date, numeric) (SFUNC = purchase_history_add_date_numeric, STYPE = purchase_history, FINALFUNC = total_spend);
CREATE AGGREGATE history_bare(purchase_history) (SFUNC = purchase_history_merge, STYPE = purchase_history);
CREATE AGGREGATE retention_bare(date, date, date) (SFUNC = retention_base_add, STYPE = retention_base, COMBINEFUNC = retention_base_merge, PARALLEL = SAFE);
CREATE AGGREGATE retention_as_it_is(date, date, date) (SFUNC = retention_base_add, STYPE = retention_base, FINALFUNC = as_it_is);
CREATE AGGREGATE base_bare(purchase_history) (SFUNC = customer_base_add, STYPE = customer_base);
CREATE AGGREGATE cuts_finished(integer, bigint, double precision) (SFUNC = rfm_cuts_add, STYPE = rfm_cuts, FINALFUNC = rfm_cuts_final);
CREATE AGGREGATE rules_bare(text, int4range, int4range, int4range) (SFUNC = segment_rules_add, STYPE = segment_rules);
CREATE AGGREGATE holdout_bare(purchase_history, date, date) (SFUNC = clv_holdout_add, STYPE = clv_holdout);

-- Every type that an aggregate of ours grows is asked.
SELECT DISTINCT a.aggtranstype::regtype::text AS type FROM pg_aggregate AS a JOIN pg_depend AS d ON d.objid = a.aggfnoid
	AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' ORDER BY 1;

CREATE TABLE stored AS
SELECT customer, purchase_history(day, amount) AS h, history_bare(day, amount) AS bare, history_as_it_is(day, amount) AS as_it_is,
	history_begun(day, amount) AS begun, history_spend(day, amount) AS spend,
	retention_base(day, day + 40, '2026-01-01') AS r, retention_bare(day, day + 40, '2026-01-01') AS r_bare,
	retention_as_it_is(day, day + 40, '2026-01-01') AS r_as_it_is
FROM purchases GROUP BY customer;
SELECT count(*), bool_and(h = bare AND h = as_it_is AND h = begun AND purchase_history_send(h) = purchase_history_send(bare)) AS equal,
	bool_and(pg_column_size(h) = pg_column_size(bare)) AS same_size, bool_and(spend = total_spend(h)) AS spend,
	bool_and(r = r_bare AND r = r_as_it_is AND pg_column_size(r) = pg_column_size(r_bare)) AS retention
FROM stored;
-- Alone, too, where no other aggregate shares the state; as windows; merged; and in parallel.
SELECT bool_and(h = bare) AS equal FROM stored JOIN (SELECT customer, history_bare(day, amount) AS bare FROM purchases GROUP BY customer) AS x(customer, bare2) USING (customer)
WHERE bare = bare2;
CREATE TABLE windows AS
SELECT customer, day, amount, purchase_history(day, amount) OVER w AS h, history_bare(day, amount) OVER w AS bare, history_as_it_is(day, amount) OVER w AS as_it_is
FROM purchases WINDOW w AS (PARTITION BY customer ORDER BY day, amount ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
SELECT count(*), bool_and(h = bare AND h = as_it_is) AS equal FROM windows;
CREATE TABLE merged AS SELECT rollup(h) AS h, history_bare(bare) AS bare FROM stored;
SELECT h = bare AS equal FROM merged;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE purchases SET (parallel_workers = 2);
CREATE TABLE gathered AS SELECT customer, history_bare(day, amount) AS bare, retention_bare(day, day + 40, '2026-01-01') AS r_bare FROM purchases GROUP BY customer;
SELECT bool_and(h = g.bare AND r = g.r_bare) AS equal FROM stored JOIN gathered AS g USING (customer);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- The types whose states are flattened when they are stored.
CREATE TABLE others AS
SELECT customer_base(h) AS base, base_bare(h) AS base_bare, rfm_cuts(customer, 3::bigint, spend) AS cuts, cuts_finished(customer, 3::bigint, spend) AS cuts_finished,
	segment_rules('s' || customer, '[1,2]', '[2,3]', NULL) AS rules, rules_bare('s' || customer, '[1,2]', '[2,3]', NULL) AS rules_bare,
	holdout_bare(h, '2025-06-01', '2025-09-01') AS holdout, holdout_bare(bare, '2025-06-01', '2025-09-01') AS holdout_too
FROM stored;
SELECT base = base_bare AS base, cuts = cuts_finished AS cuts, rules = rules_bare AS rules, holdout = holdout_too AS holdout FROM others;

DROP TABLE purchases, stored, windows, merged, gathered, others;
DROP AGGREGATE history_bare(date, numeric), history_as_it_is(date, numeric), history_begun(date, numeric), history_spend(date, numeric), history_bare(purchase_history),
	retention_bare(date, date, date), retention_as_it_is(date, date, date), base_bare(purchase_history), cuts_finished(integer, bigint, double precision),
	rules_bare(text, int4range, int4range, int4range), holdout_bare(purchase_history, date, date);
DROP FUNCTION as_it_is(purchase_history), as_it_is(retention_base);

-- Every aggregate of ours, with every way to write one's own over its functions: without a final function, with one that
-- gives the state as it is, merged from parts, and in two orders. A new one needs values for its arguments here.
-- (What rfm_cuts leaves without its final function are counts, and no cut points.)
SET client_min_messages = error;
CREATE TABLE source AS SELECT n, h, history_until(h, '2025-09-01') AS profit, date '2025-01-01' + (n * 37) % 300 AS day
FROM (SELECT n, purchase_history(date '2025-01-01' + (n * i * 37) % 300, ((n * 13 * i) % 50)::numeric + 0.5) AS h
	FROM generate_series(1, 100) AS n, generate_series(1, 1 + n % 5) AS i GROUP BY n) AS x ORDER BY hashint4(n);
CREATE TABLE argument_values (argument text, type text, expression text);
COPY argument_values FROM stdin (DELIMITER ';');
;purchase_history;h
;date;day
;numeric;(n % 50 + 0.5)::numeric
;double precision;((n * 7) % 53)::float8
;bigint;(n % 17)::bigint
;integer;n % 19
;boolean;n % 3 = 0
;text;('t' || n % 5)::text
;int4range;'[1,2]'::int4range
;timestamp without time zone;day + time '03:00' * (n % 7)
;timestamp with time zone;(day + time '03:00' * (n % 7))::timestamptz
;uuid;md5(n::text)::uuid
;hour_profile;(SELECT hour_profile(day + x * time '01:07') FROM generate_series(1, 5) AS x)
until_1;date;'2025-04-01'::date
since_1;date;'2025-01-01'::date
since_2;date;'2025-04-01'::date
until_2;date;'2025-11-01'::date
since;date;'2025-01-01'::date
until;date;'2026-02-01'::date
as_of;date;'2026-02-01'::date
ended_on;date;day + n % 100
grain;text;'month'::text
period;text;'week'::text
period;interval;'1 month'::interval
by;text;'weekday'::text
segment;text;('s' || n)::text
tile;integer;n
levels;integer;5
tenure;integer;1 + n % 20
good;bigint;(n % 3)::bigint
total;double precision;(10 + n % 7)::float8
total;bigint;(10 + n % 7)::bigint
kind;text;'count'::text
step;integer;1 + n % 3
steps;integer[];ARRAY[1 + n % 3]
path;covariate_path;'{"steps": [["1900-01-01", 0]]}'::covariate_path
journey;journey;(SELECT journey((day + x * time '01:07')::timestamptz, 1 + x % 3) FROM generate_series(1, 5) AS x)
within;interval;'1 day'::interval
mode;text;'increase'::text
need;double precision;n % 5 / 5.0::float8
worth;double precision;n % 4 / 4.0::float8
trust;double precision;n % 3 / 3.0::float8
event_on;date;day
before_days;integer;90
after_days;integer;60
gap_days;integer;7
observed_until;date;'2025-10-01'::date
matched_history;purchase_history;h
matched_histories;purchase_history[];ARRAY[h, h]
items;text[];ARRAY['i' || n % 5, 'i' || n % 7]
items;bigint[];ARRAY[n % 5, n % 7]::bigint[]
items;uuid[];ARRAY[md5((n % 5)::text)::uuid, md5((n % 7)::text)::uuid]
max_items;integer;30
recommended;text[];ARRAY['i' || n % 5, 'i' || n % 7]
owned;text[];ARRAY['i1']
next_items;text[];ARRAY['i' || n % 3]
k;integer;3
log;contact_log;(SELECT contact_log(day + x * time '01:07') FROM generate_series(1, 5) AS x)
within_days;integer;14
model;clv_model;'{"model": "pareto/nbd", "as_of": "2025-12-31", "timing": {"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model
margin;double precision;0.5::float8
annual_discount;double precision;0.1::float8
profit_history;purchase_history;profit
contacts;bigint;(10 + n)::bigint
responses;bigint;(n % 10)::bigint
unsubscribed;bigint;1::bigint
heads;bigint;1000::bigint
spend_per_head;double precision;(n % 11)::float8
response;double precision;(n % 13 * 0.05)::float8
min_per_head;double precision;0::float8
max_per_head;double precision;10::float8
covariates;double precision[];ARRAY[n % 3]::float8[]
id_a;text;('x' || n)::text
id_b;text;('x' || n / 2)::text
id_a;bigint;n::bigint
id_b;bigint;(n / 2)::bigint
id_b;uuid;md5((n / 2)::text)::uuid
curve;response_curve;(SELECT response_curve(x::float8, (x * 0.05)::float8, 100) FROM generate_series(0, 10) AS x)
u;uplift;(SELECT uplift(x % 2 = 0, x::float8) FROM generate_series(1, 20) AS x)
\.
CREATE TABLE report (aggregate text, variant text, differs text);
CREATE FUNCTION pg_temp.compare(aggregate text, variant text, type text, a text, b text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE format('CREATE TEMP TABLE a(o) AS SELECT %s', a);
	EXECUTE format('CREATE TEMP TABLE b(o) AS SELECT %s', b);
	EXECUTE format('INSERT INTO report SELECT %L, %L, concat_ws('' '', CASE WHEN a.o::text <> b.o::text THEN ''text'' END,
		CASE WHEN pg_column_size(a.o) <> pg_column_size(b.o) THEN ''size'' END, CASE WHEN %I(a.o) <> %4$I(b.o) THEN ''binary'' END,
		CASE WHEN (a.o = b.o) IS NOT TRUE THEN ''value'' END) FROM a, b', aggregate, variant, type || '_send', type || '_send');
	DROP TABLE a, b;
END $$;
DO $do$ DECLARE a record; BEGIN
	FOR a IN SELECT p.oid::regprocedure::text AS name, p.proname, aggtransfn::regproc AS add, aggcombinefn::regproc AS merge, prorettype::regtype::text AS type,
			string_agg(t::regtype::text, ', ' ORDER BY i) AS types, bool_and(e.expression IS NOT NULL) AS known, string_agg(e.expression, ', ' ORDER BY i) AS arguments
		FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e',
			unnest(p.proargtypes) WITH ORDINALITY AS u(t, i)
			LEFT JOIN LATERAL (SELECT v.expression FROM argument_values AS v WHERE v.type = t::regtype::text AND v.argument IN (p.proargnames[i], '')
				ORDER BY v.argument DESC LIMIT 1) AS e ON true
		WHERE aggtranstype = prorettype AND proname NOT IN ('rollup', 'holdout') AND NOT 'money'::regtype = ANY (proargtypes) AND NOT (proname = 'hour_profile' AND 'date'::regtype = ANY (proargtypes)) -- those refuse
		GROUP BY p.oid, aggfnoid, aggtransfn, aggcombinefn, proname, prorettype
	LOOP
		IF NOT a.known THEN
			INSERT INTO report VALUES (a.name, 'all', 'there are no values for its arguments');
			CONTINUE;
		END IF;
		EXECUTE format('CREATE FUNCTION pg_temp.unchanged(%1$s) RETURNS %1$s LANGUAGE plpgsql IMMUTABLE STRICT AS ''BEGIN RETURN $1; END''', a.type);
		EXECUTE format('CREATE AGGREGATE pg_temp.bare(%s) (SFUNC = %s, STYPE = %s)', a.types, a.add, a.type);
		EXECUTE format('CREATE AGGREGATE pg_temp.finished(%s) (SFUNC = %s, STYPE = %s, FINALFUNC = pg_temp.unchanged)', a.types, a.add, a.type);
		EXECUTE format('CREATE AGGREGATE pg_temp.merged(%1$s) (SFUNC = %2$s, STYPE = %1$s)', a.type, a.merge);
		IF a.type <> 'rfm_cuts' THEN
			PERFORM pg_temp.compare(a.name, 'bare', a.type, format('%s(%s) FROM source', a.proname, a.arguments), format('pg_temp.bare(%s) FROM source', a.arguments));
		END IF;
		PERFORM pg_temp.compare(a.name, 'finished', a.type, format('pg_temp.finished(%s) FROM source', a.arguments), format('pg_temp.bare(%s) FROM source', a.arguments));
		PERFORM pg_temp.compare(a.name, 'merged', a.type, format('pg_temp.bare(%s) FROM source', a.arguments),
			format('pg_temp.merged(x) FROM (SELECT pg_temp.bare(%s) AS x FROM source GROUP BY n %% 3) AS y', a.arguments));
		PERFORM pg_temp.compare(a.name, 'in another order', a.type, format('pg_temp.bare(%s) FROM (SELECT * FROM source ORDER BY n) AS x', a.arguments),
			format('pg_temp.bare(%s) FROM (SELECT * FROM source ORDER BY n DESC) AS x', a.arguments));
		EXECUTE format('DROP AGGREGATE pg_temp.bare(%1$s), pg_temp.finished(%1$s), pg_temp.merged(%2$s)', a.types, a.type);
		EXECUTE format('DROP FUNCTION pg_temp.unchanged(%s)', a.type);
	END LOOP;
END $do$;
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE differs <> '') AS differ FROM report;
SELECT * FROM report WHERE differs <> '' ORDER BY 1, 2;
DROP TABLE source, argument_values, report;
RESET client_min_messages;
