-- rfm_cuts and rfm_score: scores of recency, frequency and monetary value

-- What a failing statement says: code, message, detail, hint.
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- Whether the plan of a query has this text in it.
CREATE FUNCTION pg_temp.planned(query text, what text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
	RETURN plan::text LIKE '%' || what || '%';
END $$;

--
-- The rule, by example
--

-- Ten customers. Six of them ordered once.
CREATE TABLE ten (customer text, recency_days int, frequency bigint, monetary numeric);
INSERT INTO ten VALUES
	('Ada', 3, 5, 410), ('Ben', 40, 3, 95), ('Cem', 9, 2, 60), ('Dot', 200, 2, 130),
	('Eva', 3, 1, 20), ('Fay', 3, 1, 25), ('Gus', 80, 1, 20), ('Hal', 120, 1, 300),
	('Ivy', 365, 1, 15), ('Jon', 12, 1, 45);

-- A score says how many customers are strictly worse. With one order nobody
-- is worse: 1. With two orders 60 % are worse, three fifths: 4. With three or
-- five orders 80 % are worse: 5. Equal values get equal scores.
SELECT customer, recency_days, frequency, monetary,
	rfm_score(recency_days, frequency, monetary) OVER () AS score
FROM ten ORDER BY frequency DESC, customer;

-- The aggregate finds where the scores begin.
SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM ten \gset
SELECT :'cuts' AS cuts;
SELECT customer_count(:'cuts'::rfm_cuts);

-- A score begins below the bound of recency and above those of the others.
-- Nobody gets F scores of 2 and 3: customers with one order cannot be told apart.
SELECT * FROM rfm_cut_points(:'cuts');
SELECT * FROM rfm_levels(:'cuts');

-- Cut points can be kept, to score other customers and other days alike.
CREATE TABLE frozen AS SELECT date '2026-10-01' AS valid_from, rfm_cuts(recency_days, frequency, monetary) AS cuts FROM ten;
SELECT rfm_score(30, 2, 99.5, cuts) AS score, segment_of(rfm_score(30, 2, 99.5, cuts)) FROM frozen;

-- The scalar function and the window function agree.
SELECT count(*) AS customers, count(*) FILTER (WHERE by_window = by_cuts) AS agree
FROM (
	SELECT rfm_score(recency_days, frequency, monetary) OVER () AS by_window,
		rfm_score(recency_days, frequency, monetary, cuts) AS by_cuts
	FROM ten, frozen) scored;

-- From two to nine levels.
SELECT levels, rfm_cuts(recency_days, frequency, monetary, levels)
FROM ten, (VALUES (2), (9)) l(levels) GROUP BY levels ORDER BY levels;
SELECT customer, rfm_score(recency_days, frequency, monetary, levels => 3) OVER () FROM ten ORDER BY customer;

-- In each group, and over a frame that moves.
SELECT frequency = 1 AS one_order, rfm_cuts(recency_days, frequency, monetary, 2) FROM ten GROUP BY 1 ORDER BY 1;
SELECT customer, frequency, rfm_score(recency_days, frequency, monetary, 2) OVER (PARTITION BY frequency = 1) AS score
FROM ten ORDER BY frequency = 1, customer;
SELECT customer, customer_count(rfm_cuts(recency_days, frequency, monetary) OVER w) AS customers,
	rfm_cuts(recency_days, frequency, monetary) OVER w::jsonb -> 'monetary' -> 'cuts' AS cuts
FROM ten WINDOW w AS (ORDER BY customer ROWS 2 PRECEDING) ORDER BY customer;
SELECT customer, rfm_cuts(recency_days, frequency, monetary) OVER w::jsonb -> 'monetary' -> 'cuts' AS cuts
FROM ten WINDOW w AS (ORDER BY customer) ORDER BY customer;

--
-- A customer base of realistic shape
--

-- 63 % of 2,357 customers ordered once.
CREATE TABLE shop AS
SELECT i AS id, (i * 7919 % 1013 * (i * 31 % 17) / 16)::int AS recency_days,
	CASE WHEN i * 61 % 100 < 63 THEN 1 ELSE 2 + (i * 7 % 5) * (i * 11 % 7) / 3 END::bigint AS frequency,
	round((5 + (i * 104729 % 9973) ^ 1.3 / 40)::numeric, 2) AS monetary
FROM generate_series(1::bigint, 2357) i;
SELECT round(100.0 * count(*) FILTER (WHERE frequency = 1) / count(*), 1) AS one_order_percent FROM shop;

-- All of them get the score 1.
SELECT frequency = 1 AS one_order, substr(score, 2, 1) AS f, count(*)
FROM (SELECT frequency, rfm_score(recency_days, frequency, monetary) OVER () AS score FROM shop) s
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT l.* FROM (SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM shop) c, rfm_levels(cuts) l;

-- Effective levels are the scores that the counted customers get.
SELECT levels, dimension, effective_levels,
	(SELECT count(DISTINCT substr(rfm_score(recency_days, frequency, monetary, cuts), place::int, 1)) FROM shop) = effective_levels AS right,
	(SELECT count(*) FROM rfm_cut_points(cuts) p WHERE p.dimension = l.dimension AND attained) = effective_levels AS attained
FROM (SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 9) n GROUP BY n) c,
	rfm_levels(cuts) WITH ORDINALITY l(dimension, levels, effective_levels, place)
WHERE levels IN (2, 5, 9) ORDER BY levels, place;

-- The cuts are percentiles, of recency in descending order.
SELECT n AS levels, bool_and(bound = CASE dimension
	WHEN 'recency' THEN (SELECT percentile_disc((score - 1)::float8 / n) WITHIN GROUP (ORDER BY recency_days DESC) FROM shop)
	WHEN 'frequency' THEN (SELECT percentile_disc((score - 1)::float8 / n) WITHIN GROUP (ORDER BY frequency) FROM shop)
	ELSE (SELECT percentile_disc((score - 1)::float8 / n) WITHIN GROUP (ORDER BY monetary::float8) FROM shop) END) AS percentiles,
	count(bound) AS cuts
FROM (SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 9) n GROUP BY n) c,
	rfm_cut_points(cuts)
GROUP BY n ORDER BY n;

-- The scores follow the rule by its letter: the share of customers strictly worse.
SELECT n AS levels, count(*) FILTER (WHERE score = right_score) AS right
FROM (
	SELECT n, rfm_score(recency_days, frequency, monetary, cuts) AS score,
		(SELECT (1 + count(*) FILTER (WHERE worse_r * n >= k * 2357))::text
			|| (1 + count(*) FILTER (WHERE worse_f * n >= k * 2357))
			|| (1 + count(*) FILTER (WHERE worse_m * n >= k * 2357))
		 FROM generate_series(1, n - 1) k) AS right_score
	FROM (SELECT *, rank() OVER (ORDER BY recency_days DESC) - 1 AS worse_r,
			rank() OVER (ORDER BY frequency) - 1 AS worse_f, rank() OVER (ORDER BY monetary) - 1 AS worse_m FROM shop) ranked,
		(SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 9) n GROUP BY n) c
	) scored
GROUP BY n ORDER BY n;

-- The same rows in any order give the same bytes.
SELECT count(DISTINCT rfm_cuts_send(cuts)) AS different FROM (
	SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY id) FROM shop
	UNION ALL SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY id DESC) FROM shop
	UNION ALL SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY id * 7919 % 2357) FROM shop) x(cuts);

-- Window and cuts agree, in partitions too.
SELECT count(*) AS customers, count(*) FILTER (WHERE by_window = by_cuts) AS agree
FROM (
	SELECT rfm_score(recency_days, frequency, monetary, 7) OVER (PARTITION BY id % 4) AS by_window,
		rfm_score(recency_days, frequency, monetary, cuts) AS by_cuts
	FROM shop JOIN (SELECT id % 4 AS part, rfm_cuts(recency_days, frequency, monetary, 7) AS cuts FROM shop GROUP BY 1) c
		ON part = id % 4) scored;

--
-- Many different values
--

-- Up to 32,768 different values are exact. Beyond, a cut is still the value of
-- a customer, and less than 0.1 % from the exact one.
CREATE TABLE many AS
SELECT i AS id, (i * 7919 % 730)::int AS recency_days, 1 + i * 31 % 13 AS frequency,
	(exp((i * 104729 % 60013)::float8 / 60013 * 9) - 100)::numeric(12, 4)::float8 AS monetary
FROM generate_series(1::bigint, 60013) i;
SELECT count(DISTINCT monetary) > 32768 AS many_values FROM many;
SELECT count(*) AS cuts, max(abs(bound - exact) / abs(exact)) < 0.001 AS close,
	bool_and(EXISTS (SELECT FROM many WHERE monetary = bound)) AS values_of_customers,
	bool_and((SELECT count(*) FROM many WHERE monetary <= bound) * 9 >= (score - 1) * 60013) AS not_better
FROM (SELECT score, bound, (SELECT percentile_disc((score - 1) / 9.0) WITHIN GROUP (ORDER BY monetary) FROM many) AS exact
	FROM (SELECT rfm_cuts(recency_days, frequency, monetary, 9) AS cuts FROM many) c, rfm_cut_points(cuts)
	WHERE dimension = 'monetary' AND score > 1) x;
-- The last exact one, and the first that is not.
SELECT limited, bound - exact AS off
FROM (VALUES (32768), (32769)) l(limited),
	LATERAL (SELECT rfm_cuts(v, v, v, 2) AS cuts, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS exact
		FROM generate_series(100001, 100000 + limited) v) c,
	rfm_cut_points(cuts)
WHERE score = 2 AND dimension <> 'recency' ORDER BY limited, dimension;
SELECT limited, bound - exact AS off
FROM (VALUES (32768), (32769)) l(limited),
	LATERAL (SELECT rfm_cuts(-v, v, v, 2) AS cuts, percentile_disc(0.5) WITHIN GROUP (ORDER BY -v DESC) AS exact
		FROM generate_series(100001, 100000 + limited) v) c,
	rfm_cut_points(cuts)
WHERE score = 2 AND dimension = 'recency' ORDER BY limited;
-- The order of rows still makes no difference.
SELECT count(DISTINCT rfm_cuts_send(cuts)) AS different FROM (
	SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY id) FROM many
	UNION ALL SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY monetary) FROM many
	UNION ALL SELECT rfm_cuts(recency_days, frequency, monetary ORDER BY monetary DESC) FROM many) x(cuts);
SELECT count(*) FILTER (WHERE by_window = rfm_score(recency_days, frequency, monetary, cuts)) AS agree
FROM (SELECT *, rfm_score(recency_days, frequency, monetary) OVER () AS by_window FROM many) m,
	(SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM many) c;

--
-- Parallel plans
--

SET max_parallel_workers_per_gather = 0;
SELECT rfm_cuts(recency_days, frequency, monetary) AS serial_shop FROM shop \gset
SELECT rfm_cuts(recency_days, frequency, monetary, 9) AS serial_many FROM many \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE shop SET (parallel_workers = 2);
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE shop, many;
SELECT pg_temp.planned('SELECT rfm_cuts(recency_days, frequency, monetary) FROM shop', '"Partial Mode": "Partial"');
SELECT pg_temp.planned('SELECT rfm_cuts(recency_days, frequency, monetary, 9) FROM many', '"Partial Mode": "Partial"');
SELECT rfm_cuts(recency_days, frequency, monetary) = :'serial_shop' AS equal FROM shop;
SELECT rfm_cuts(recency_days, frequency, monetary, 9) = :'serial_many' AS equal FROM many;
-- Workers that see no row at all.
SELECT rfm_cuts(recency_days, frequency, monetary) IS NULL AS nobody FROM many WHERE monetary < -1000;
SELECT rfm_cuts(recency_days, frequency, monetary) FROM many WHERE id = 60013;
-- Scoring is parallel, too.
SELECT pg_temp.planned(format('SELECT rfm_score(recency_days, frequency, monetary, %L::rfm_cuts) FROM many', :'serial_many'), '"Gather"');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

--
-- What is not known
--

-- No customers, no cut points.
SELECT rfm_cuts(1, 1, 1) FILTER (WHERE false) AS cuts;
SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM ten WHERE false;
-- One customer; customers that are all equal. Nobody is worse: the score is 1.
SELECT rfm_cuts(7, 3, 19.9) AS cuts;
SELECT rfm_cuts(7, 3, 19.9) AS cuts FROM generate_series(1, 1000);
SELECT DISTINCT rfm_score(7, 3, 19.9) OVER () AS score FROM generate_series(1, 1000);
-- Customers of whom something is not known are left out and have no score.
CREATE TABLE unknown (recency_days int, frequency bigint, monetary float8);
INSERT INTO unknown VALUES (1, 1, 1), (2, 2, 2), (NULL, 3, 3), (4, NULL, 4), (5, 5, NULL), (6, 6, 'NaN'), (7, 7, 'Infinity'), (8, 8, '-Infinity');
SELECT *, rfm_score(recency_days, frequency, monetary, 2) OVER () AS by_window, rfm_score(recency_days, frequency, monetary, cuts) AS by_cuts
FROM unknown, (SELECT rfm_cuts(recency_days, frequency, monetary, 2) AS cuts FROM unknown) c ORDER BY 1, 2;
SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM unknown WHERE recency_days > 3;
SELECT rfm_score(recency_days, frequency, monetary) OVER () AS score FROM unknown WHERE recency_days > 3;
SELECT rfm_score(1, 1, 1, NULL::rfm_cuts) AS score;
-- Zero has no sign; the ends of the types have their place.
SELECT rfm_cuts(0, 0, m) AS cuts FROM unnest('{0,-0}'::float8[]) m;
SELECT rfm_cuts(r, f, m, 3) AS cuts FROM (VALUES
	(-2147483648, -9223372036854775808, '-1.7976931348623157e308'::float8),
	(0, 0, 5e-324), (2147483647, 9223372036854775807, 1.7976931348623157e308)) x(r, f, m);

--
-- What can go wrong
--

\pset format unaligned
\pset fieldsep ' => '
SELECT statement, pg_temp.failure(statement) FROM (VALUES
	('SELECT rfm_cuts(1, 1, 1, 1)'),
	('SELECT rfm_cuts(1, 1, 1, 10)'),
	('SELECT rfm_cuts(1, 1, 1, NULL)'),
	('SELECT rfm_cuts(1, 1, NULL, 10)'),
	('SELECT rfm_cuts(1, 1, 1, l) FROM (VALUES (3), (5)) v(l)'),
	('SELECT rfm_cuts(1, 1, 1, l) FROM (VALUES (5), (3)) v(l)'),
	('SELECT rfm_score(1, 1, 1, 10) OVER ()'),
	('SELECT rfm_score(1, 1, 1, NULL::int) OVER ()'),
	('SELECT rfm_score(1, 1, 1, l) OVER () FROM (VALUES (5), (3)) v(l)'),
	('SELECT rfm_cuts_add(NULL, 1, 1, 1)'),
	('SELECT rfm_cuts_merge(NULL, NULL)')) s(statement);
\pset format aligned

--
-- Text and binary
--

-- The text is JSON and reads back to equal cuts.
SELECT :'cuts'::rfm_cuts = cuts AS equal, cuts::jsonb -> 'frequency' AS frequency FROM frozen;
SELECT rfm_cuts(recency_days, frequency, monetary)::text::rfm_cuts = rfm_cuts(recency_days, frequency, monetary) AS equal FROM many;
-- Members may come in any order, numbers in any form.
SELECT '{"customers": 4e0, "monetary": {"effective_levels": 1, "cuts": [-0.0]}, "levels": 2,
	"frequency": {"cuts": [1.0], "effective_levels": 2}, "recency": {"cuts": [1e1], "effective_levels": 1}}'::rfm_cuts;

-- Equal cuts are one value for DISTINCT, GROUP BY and joins.
SELECT count(DISTINCT cuts) AS different, count(*) FROM (SELECT cuts FROM frozen UNION ALL SELECT :'cuts') x;

-- A state on its way between processes (without a final function) is a value as well.
CREATE AGGREGATE pg_temp.rfm_counting(int, bigint, float8) (
	SFUNC = rfm_cuts_add, STYPE = rfm_cuts, COMBINEFUNC = rfm_cuts_merge, PARALLEL = SAFE);
CREATE AGGREGATE pg_temp.rfm_combining(rfm_cuts) (
	SFUNC = rfm_cuts_merge, STYPE = rfm_cuts, FINALFUNC = rfm_cuts_final);
SELECT pg_temp.rfm_counting(recency_days, frequency, monetary) FROM ten;
-- Both aggregates share one state, which the final function leaves as it is.
SELECT rfm_cuts(recency_days, frequency, monetary) = cuts AS finished,
	rfm_cuts_final(pg_temp.rfm_counting(recency_days, frequency, monetary)) = cuts AS counting
FROM ten, frozen GROUP BY cuts;
-- Parts that travel as text or binary come to the same result as all at once.
CREATE TABLE parts AS
SELECT id % 3 AS part, pg_temp.rfm_counting(recency_days, frequency, monetary) AS state FROM many GROUP BY 1;
\copy parts TO 'results/rfm_parts.bin' WITH (FORMAT binary)
CREATE TABLE parts_back (LIKE parts);
\copy parts_back FROM 'results/rfm_parts.bin' WITH (FORMAT binary)
SELECT part, octet_length(p.state::text) > 100000 AS large, p.state::text = b.state::text AS equal_text,
	p.state::text::rfm_cuts = b.state AS equal
FROM parts p JOIN parts_back b USING (part) ORDER BY part;
SELECT pg_temp.rfm_combining(state) = rfm_cuts AS equal, pg_temp.rfm_combining(state::text::rfm_cuts) = rfm_cuts AS equal_from_text
FROM parts, (SELECT rfm_cuts(recency_days, frequency, monetary) FROM many) c GROUP BY rfm_cuts;
-- Everything that reads cuts reads a state.
SELECT customer_count(state), rfm_score(30, 5, 400, state), (SELECT count(*) FROM rfm_cut_points(state)) AS cut_points
FROM parts WHERE part = 0;

CREATE TABLE frozen_back (LIKE frozen);
\copy frozen TO 'results/rfm_cuts.bin' WITH (FORMAT binary)
\copy frozen_back FROM 'results/rfm_cuts.bin' WITH (FORMAT binary)
SELECT f = b AS equal FROM frozen f, frozen_back b;
-- The binary form is frozen: version, form, levels, customers, then effective levels and cuts.
SELECT rfm_cuts_send('{"levels": 2, "customers": 3, "recency": {"cuts": [4], "effective_levels": 1}, "frequency": {"cuts": [1], "effective_levels": 2}, "monetary": {"cuts": [0.5], "effective_levels": 2}}');

-- Literals that are none.
\pset format unaligned
SELECT left(pg_temp.failure('SELECT ''{''::rfm_cuts'), 5) AS code;
SELECT literal, pg_temp.failure(format('SELECT %L::rfm_cuts', literal)) FROM (VALUES
	('[]'),
	('{}'),
	('{"levels": 5.5}'),
	('{"levels": 10, "customers": 1}'),
	('{"levels": 2, "shops": 1}'),
	('{"levels": 2}'),
	('{"levels": 2, "customers": 0}'),
	('{"levels": 2, "customers": 1}'),
	('{"levels": 2, "customers": 1, "recency": []}'),
	('{"levels": 2, "customers": 1, "recency": {}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": 1}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": [1, 2]}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": ["1"]}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": [1e400]}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": [1]}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": [1], "effective_levels": 3}}'),
	('{"levels": 2, "customers": 1, "recency": {"cuts": [1.5], "effective_levels": 1}, "frequency": {"cuts": [1], "effective_levels": 1}, "monetary": {"cuts": [1], "effective_levels": 1}}'),
	('{"levels": 3, "customers": 2, "recency": {"cuts": [1, 2], "effective_levels": 2}, "frequency": {"cuts": [1, 2], "effective_levels": 2}, "monetary": {"cuts": [1, 2], "effective_levels": 2}}'),
	('{"levels": 3, "customers": 2, "recency": {"cuts": [2, 1], "effective_levels": 2}, "frequency": {"cuts": [2, 1], "effective_levels": 2}, "monetary": {"cuts": [1, 2], "effective_levels": 2}}'),
	('{"levels": 3, "customers": 2, "recency": {"cuts": [2, 1], "effective_levels": 1}, "frequency": {"cuts": [1, 2], "effective_levels": 2}, "monetary": {"cuts": [1, 2], "effective_levels": 2}}'),
	('{"levels": 2, "counting": []}'),
	('{"levels": 2, "customers": 1, "counting": {}}'),
	('{"levels": 2, "counting": {"recency": {"binned": 0}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1, 2], "customers": [1]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1, null], "customers": [1, 1]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1], "customers": [0]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [], "customers": []}, "frequency": {"binned": false, "values": [], "customers": []}, "monetary": {"binned": false, "values": [], "customers": []}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [2, 1], "customers": [1, 1]}, "frequency": {"binned": false, "values": [1], "customers": [2]}, "monetary": {"binned": false, "values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1.5], "customers": [2]}, "frequency": {"binned": false, "values": [1], "customers": [2]}, "monetary": {"binned": false, "values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1], "customers": [1]}, "frequency": {"binned": false, "values": [1], "customers": [2]}, "monetary": {"binned": false, "values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1], "customers": [2]}, "frequency": {"binned": false, "values": [1], "customers": [2]}, "monetary": {"binned": true, "values": [1, 1.00001], "customers": [1, 1]}}}'),
	('{"levels": 2, "counting": {"recency": {"binned": false, "values": [1, 2], "customers": [576460752303423488, 576460752303423488]}, "frequency": {"binned": false, "values": [1], "customers": [2]}, "monetary": {"binned": false, "values": [1], "customers": [2]}}}')
	) l(literal);
SELECT pg_temp.failure(format('SELECT %L::rfm_cuts', format('{"levels": 2, "counting": {"recency": %1$s, "frequency": %1$s, "monetary": %1$s}}',
	json_build_object('binned', false, 'values', array_agg(i), 'customers', array_agg(1))))) FROM generate_series(1, 32769) i;
\pset format aligned
-- More customers than can be counted.
SELECT pg_temp.failure($$SELECT pg_temp.rfm_combining(format('{"levels": 2, "counting": {"recency": %1$s, "frequency": %1$s, "monetary": %1$s}}',
	'{"binned": false, "values": [1], "customers": [576460752303423488]}')::rfm_cuts) FROM generate_series(1, 2)$$);
-- Finished cuts do not tell enough to be continued, and levels must agree.
SELECT pg_temp.failure('SELECT pg_temp.rfm_combining(cuts) FROM (SELECT cuts FROM frozen UNION ALL SELECT cuts FROM frozen) x');
SELECT pg_temp.failure($$SELECT pg_temp.rfm_combining(format('{"levels": %1$s, "counting": {"recency": %2$s, "frequency": %2$s, "monetary": %2$s}}',
	levels, '{"binned": false, "values": [1], "customers": [1]}')::rfm_cuts) FROM generate_series(2, 3) levels$$);

-- Bytes from outside are not believed. Each of these is made by hand, written
-- as bytea and read as cuts. First some that are right: version 1, form 0
-- (finished), 2 levels, 3 customers; then effective levels and a cut of each.
CREATE TABLE received (cuts rfm_cuts);
\set SHOW_CONTEXT never
\copy (SELECT '\x010002000000000000000301401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
SELECT cuts FROM received;
-- version 2
\copy (SELECT '\x020002000000000000000301401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- form 2
\copy (SELECT '\x010202000000000000000301401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- 255 levels
\copy (SELECT '\x0100ff000000000000000301401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- -1 customers
\copy (SELECT '\x010002ffffffffffffffff01401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- a cut of NaN
\copy (SELECT '\x0100020000000000000003014010000000000000024000000000000000027ff8000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- no effective levels
\copy (SELECT '\x010002000000000000000300401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- a byte too many
\copy (SELECT '\x010002000000000000000301401000000000000002400000000000000002c00000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- a byte too few
\copy (SELECT '\x010002000000000000000301401000000000000002400000000000000002c0000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- a counting state (form 1): not binned, one value, 1.0, of one customer, three times
\copy (SELECT decode('010102' || repeat('00000000013ff00000000000000000000000000001', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
SELECT cuts FROM received WHERE cuts::jsonb ? 'counting';
-- binned 2
\copy (SELECT decode('010102' || repeat('02000000013ff00000000000000000000000000001', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- 4,294,967,295 values
\copy (SELECT decode('010102' || repeat('00ffffffff3ff00000000000000000000000000001', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- -1 customers
\copy (SELECT decode('010102' || repeat('00000000013ff0000000000000ffffffffffffffff', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
\set SHOW_CONTEXT errors
SELECT count(*) FROM received;

DROP TABLE ten, frozen, frozen_back, shop, many, unknown, parts, parts_back, received;
