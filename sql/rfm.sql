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

-- Frequency and money are counted from the worst end. With one order nobody is
-- worse: 1. With two orders 60 % are worse, three fifths: 4. With three or five
-- orders 80 % are worse: 5. Recency is counted from the best end. Three days ago
-- nobody was more recent: 5. Nine days ago 30 % were, one fifth: 4. Equal values get
-- equal scores.
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

-- From two to ten levels. Scores of other than five say how many; A is ten.
SELECT levels, rfm_cuts(recency_days, frequency, monetary, levels)
FROM ten, (VALUES (2), (10)) l(levels) GROUP BY levels ORDER BY levels;
SELECT customer, rfm_score(recency_days, frequency, monetary, levels => 3) OVER () AS thirds,
	rfm_score(recency_days, frequency, monetary, levels => 10) OVER () AS tenths,
	rfm_score(recency_days, frequency, monetary, cuts) AS tenths_by_cuts
FROM ten, (SELECT rfm_cuts(recency_days, frequency, monetary, 10) AS cuts FROM ten) c ORDER BY customer;

-- An order today is recent, however many customers ordered; ordering once is the least, however many do.
SELECT c, rfm_score(rec, f, m) OVER () AS score, segment_of(rfm_score(rec, f, m) OVER ()) AS segment,
	rfm_score(rec, f, m, cuts) AS by_cuts, rfm_score(rec, f, m, by_hand) AS by_hand
FROM (VALUES (1, 0, 12::bigint, 120.0::float8), (2, 0, 9, 90), (3, 0, 6, 60), (4, 0, 6, 61), (5, 0, 3, 30), (6, 0, 1, 10),
		(7, 0, 1, 11), (8, 90, 2, 20), (9, 120, 4, 40), (10, 200, 1, 12)) v(c, rec, f, m),
	(SELECT rfm_cuts(rec, f, m) AS cuts FROM (VALUES (0, 12::bigint, 120.0::float8), (0, 9, 90), (0, 6, 60), (0, 6, 61), (0, 3, 30), (0, 1, 10),
		(0, 1, 11), (90, 2, 20), (120, 4, 40), (200, 1, 12)) v(rec, f, m)) x,
	(SELECT '{"levels": 5, "customers": 10, "recency": {"cuts": [91, 1, 1, 1], "effective_levels": 3},
		"frequency": {"cuts": [1, 2, 4, 6], "effective_levels": 5}, "monetary": {"cuts": [11, 20, 40, 61], "effective_levels": 5}}'::rfm_cuts AS by_hand) h
ORDER BY c;
-- A shop's first day, where all are new; and a shop that bills all customers on the first of the month.
SELECT score, segment_of(score), count(*) FROM (SELECT rfm_score(0, 1, amount) OVER () AS score FROM generate_series(1, 10) amount) s GROUP BY 1 ORDER BY 1;
SELECT recency_days, min(substr(score, 1, 1)) AS r, max(substr(score, 1, 1)) AS also
FROM (SELECT recency_days, rfm_score(recency_days, i, i) OVER () AS score FROM generate_series(1, 100) i, LATERAL (SELECT CASE WHEN i <= 70 THEN 28 ELSE 58 END) d(recency_days)) s
GROUP BY 1 ORDER BY 1;

-- Where all customers have spent the same there is no monetary score, and no Champion is missed for it.
SELECT frequency, rfm_score(recency_days, frequency, 0) OVER () AS score, segment_of(rfm_score(recency_days, frequency, 0) OVER ()) AS segment
FROM ten ORDER BY frequency DESC, customer LIMIT 3;
SELECT score, score = by_cuts AS agree FROM (SELECT rfm_score(recency_days, frequency, 9.99, 3) OVER () AS score,
	rfm_score(recency_days, frequency, 12, cuts) AS by_cuts
	FROM ten, (SELECT rfm_cuts(recency_days, frequency, 9.99, 3) AS cuts FROM ten) c ORDER BY customer LIMIT 3) s;
-- Two prices are enough.
SELECT score, count(*) FROM (SELECT rfm_score(1, 1, i % 2) OVER () AS score FROM generate_series(1, 10) i) s GROUP BY 1 ORDER BY 1;

-- A literal or parameter without a type is taken for cut points.
PREPARE score AS SELECT rfm_score($1, $2, $3, $4);
EXECUTE score (3, 5, 410, :'cuts');
DEALLOCATE score;
SELECT rfm_score(3, 5, 410, '{"levels": 2, "customers": 3, "recency": {"cuts": [4], "effective_levels": 1}, "frequency": {"cuts": [1], "effective_levels": 2}, "monetary": {"cuts": [0.5], "effective_levels": 2}}');

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
	(SELECT count(*) FROM rfm_cut_points(cuts) p WHERE p.dimension = l.dimension AND attained) = effective_levels AS attained,
	(SELECT string_agg(substr('123456789A', score, 1), '' ORDER BY score) FROM rfm_cut_points(cuts) p WHERE p.dimension = l.dimension AND attained) =
		(SELECT string_agg(s, '' ORDER BY s COLLATE "C") FROM (SELECT DISTINCT substr(rfm_score(recency_days, frequency, monetary, cuts), place::int, 1) FROM shop) x(s)) AS the_right_ones
FROM (SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 10) n GROUP BY n) c,
	rfm_levels(cuts) WITH ORDINALITY l(dimension, levels, effective_levels, place)
WHERE levels IN (2, 5, 10) ORDER BY levels, place;

-- The cuts are percentiles; of recency, which is counted from the best end, the day after.
SELECT n AS levels, bool_and(bound = CASE dimension
	WHEN 'recency' THEN 1 + (SELECT percentile_disc((n - score + 1)::float8 / n) WITHIN GROUP (ORDER BY recency_days) FROM shop)
	WHEN 'frequency' THEN (SELECT percentile_disc((score - 1)::float8 / n) WITHIN GROUP (ORDER BY frequency) FROM shop)
	ELSE (SELECT percentile_disc((score - 1)::float8 / n) WITHIN GROUP (ORDER BY monetary::float8) FROM shop) END) AS percentiles,
	count(bound) AS cuts
FROM (SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 10) n GROUP BY n) c,
	rfm_cut_points(cuts)
GROUP BY n ORDER BY n;

-- The scores follow the rules by their letter: the share of customers strictly more recent, and strictly worse.
SELECT n AS levels, count(*) FILTER (WHERE score = right_score) AS right
FROM (
	SELECT n, rfm_score(recency_days, frequency, monetary, cuts) AS score,
		substr('123456789A', (n - n * better_r / 2357)::int, 1) || substr('123456789A', (1 + n * worse_f / 2357)::int, 1)
			|| substr('123456789A', (1 + n * worse_m / 2357)::int, 1) || CASE WHEN n <> 5 THEN '/' || n ELSE '' END AS right_score
	FROM (SELECT *, rank() OVER (ORDER BY recency_days) - 1 AS better_r,
			rank() OVER (ORDER BY frequency) - 1 AS worse_f, rank() OVER (ORDER BY monetary) - 1 AS worse_m FROM shop) ranked,
		(SELECT n, rfm_cuts(recency_days, frequency, monetary, n) AS cuts FROM shop, generate_series(2, 10) n GROUP BY n) c
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

-- Cuts are exact, however many values there are.
CREATE TABLE many AS
SELECT i AS id, (i * 7919 % 730)::int AS recency_days, 1 + i * 31 % 13 AS frequency,
	(exp((i * 104729 % 60013)::float8 / 60013 * 9) - 100)::numeric(12, 4)::float8 AS monetary
FROM generate_series(1::bigint, 60013) i;
SELECT count(DISTINCT monetary) > 32768 AS many_values FROM many;
SELECT count(*) AS cuts, bool_and(bound = exact) AS exact
FROM (SELECT score, bound, (SELECT percentile_disc((score - 1) / 9.0) WITHIN GROUP (ORDER BY monetary) FROM many) AS exact
	FROM (SELECT rfm_cuts(recency_days, frequency, monetary, 9) AS cuts FROM many) c, rfm_cut_points(cuts)
	WHERE dimension = 'monetary' AND score > 1) x;
-- Where a map ends, and a run begins: of each dimension, and below zero.
SELECT limited, dimension, bound - exact AS off
FROM (VALUES (32767), (32768), (32769), (65537)) l(limited),
	LATERAL (SELECT rfm_cuts(v, v - 120000, v / 3.0 - 40000, 2) AS cuts, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS middle
		FROM generate_series(100001, 100000 + limited) v) c,
	rfm_cut_points(cuts),
	LATERAL (SELECT CASE dimension WHEN 'recency' THEN middle + 1 WHEN 'frequency' THEN middle - 120000 ELSE (middle / 3.0 - 40000)::float8 END) x(exact)
WHERE score = 2 ORDER BY limited, dimension;
-- Amounts that are close to each other are told apart: a cent of a million.
SELECT right(score, 1) AS m, count(*) FROM (SELECT rfm_score(1, 1, 1000000 + i * 0.01::float8) OVER () AS score FROM generate_series(1, 32769) i) s GROUP BY 1 ORDER BY 1;
SELECT right(rfm_score(1, 1, 1000000 + i * 0.01::float8, cuts), 1) AS m, count(*)
FROM (SELECT rfm_cuts(1, 1, 1000000 + i * 0.01::float8) AS cuts FROM generate_series(1, 32769) i) c, generate_series(1, 32769) i GROUP BY 1 ORDER BY 1;
-- Nor does it matter what else there is: half of the customers within a thousandth, the others all over the numbers.
CREATE TABLE uneven AS
SELECT i AS id, CASE WHEN i % 2 = 0 THEN 4990 + i * 1e-5 ELSE exp((i * 7919 % 100003 - 50000) / 80.0) * (1 - i % 4) END::float8 AS monetary
FROM generate_series(1::bigint, 100000) i;
SELECT count(*) AS cuts, bool_and(bound = (SELECT percentile_disc((score - 1) / 10.0) WITHIN GROUP (ORDER BY monetary) FROM uneven)) AS exact
FROM (SELECT rfm_cuts(1, 1, monetary, 10) AS cuts FROM uneven) c, rfm_cut_points(cuts)
WHERE dimension = 'monetary' AND score > 1;
DROP TABLE uneven;
-- More than four million values, where the buffer is merged into the run.
SELECT order_of_rows, customer_count(cuts) AS customers,
	(SELECT array_agg(bound ORDER BY score) FROM rfm_cut_points(cuts) WHERE dimension = 'monetary') = '{NULL,1075000,2150000,3225000}' AS monetary,
	(SELECT array_agg(bound ORDER BY score) FROM rfm_cut_points(cuts) WHERE dimension = 'recency') = '{NULL,3225001,2150001,1075001}' AS recency,
	(SELECT array_agg(bound ORDER BY score) FROM rfm_cut_points(cuts) WHERE dimension = 'frequency') = '{NULL,0,1,2}' AS frequency
FROM (SELECT 'down' AS order_of_rows, rfm_cuts(4300001 - i, i % 3, 4300001 - i, 4) AS cuts FROM generate_series(1, 4300000) i
	UNION ALL SELECT 'mixed', rfm_cuts((i * 2718281 % 4300000)::int + 1, i % 3, i * 2718281 % 4300000 + 1, 4) FROM generate_series(1::bigint, 4300000) i) c;
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
-- One customer; customers that are all equal. Nobody is more recent, and nobody worse.
SELECT rfm_cuts(7, 3, 19.9) AS cuts;
SELECT rfm_cuts(7, 3, 19.9) AS cuts FROM generate_series(1, 1000);
SELECT DISTINCT rfm_score(7, 3, 19.9) OVER () AS score FROM generate_series(1, 1000);
-- Customers of unknown recency or frequency are left out and have no score; those of unknown spend count in the other two, and have these.
CREATE TABLE unknown (recency_days int, frequency bigint, monetary float8);
INSERT INTO unknown VALUES (1, 1, 1), (2, 2, 2), (NULL, 3, 3), (4, NULL, 4), (5, 5, NULL), (6, 6, 'NaN'), (7, 7, 'Infinity'), (8, 8, '-Infinity');
SELECT *, rfm_score(recency_days, frequency, monetary, 2) OVER () AS by_window, rfm_score(recency_days, frequency, monetary, cuts) AS by_cuts
FROM unknown, (SELECT rfm_cuts(recency_days, frequency, monetary, 2) AS cuts FROM unknown) c ORDER BY 1, 2;
SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM unknown WHERE recency_days > 3;
SELECT rfm_score(recency_days, frequency, monetary) OVER () AS score FROM unknown WHERE recency_days > 3;
SELECT rfm_score(1, 1, 1, NULL::rfm_cuts) AS score;
-- So recency and frequency are cut as those of all, and money as that of those of whom it is known; text and binary states have the same.
CREATE TABLE half AS SELECT recency_days, frequency, CASE WHEN id % 3 > 0 THEN monetary::float8 END AS monetary FROM shop;
SELECT (c #- '{monetary}') = ((SELECT rfm_cuts(recency_days, frequency, 1) FROM half)::jsonb #- '{monetary}') AS of_all, c -> 'monetary' = (SELECT rfm_cuts(recency_days, frequency, monetary) FROM half WHERE monetary IS NOT NULL)::jsonb -> 'monetary' AS of_known, (c -> 'customers')::int AS customers
FROM (SELECT rfm_cuts(recency_days, frequency, monetary)::jsonb FROM half) AS x(c);
CREATE AGGREGATE pg_temp.half_state(integer, bigint, double precision) (SFUNC = rfm_cuts_add, STYPE = rfm_cuts, COMBINEFUNC = rfm_cuts_merge);
CREATE AGGREGATE pg_temp.half_merged(rfm_cuts) (SFUNC = rfm_cuts_merge, STYPE = rfm_cuts, FINALFUNC = rfm_cuts_final);
CREATE TABLE half_states AS SELECT recency_days % 4 AS part, pg_temp.half_state(recency_days, frequency, monetary) AS state FROM half GROUP BY 1
	UNION ALL SELECT 9, pg_temp.half_state(1, 1, NULL);
INSERT INTO half VALUES (1, 1, NULL);
\copy half_states TO 'results/rfm_half.bin' WITH (FORMAT binary)
CREATE TABLE half_received (LIKE half_states);
\copy half_received FROM 'results/rfm_half.bin' WITH (FORMAT binary)
SELECT (SELECT pg_temp.half_merged(state)::text FROM half_states) = c AS merged, (SELECT pg_temp.half_merged(state::text::rfm_cuts)::text FROM half_states) = c AS by_text, (SELECT pg_temp.half_merged(state)::text FROM half_received) = c AS received
FROM (SELECT rfm_cuts(recency_days, frequency, monetary)::text FROM half) AS x(c);
SELECT pg_temp.failure($$SELECT '{"levels": 5, "counting": {"recency": {"values": [1], "customers": [3]}, "frequency": {"values": [1], "customers": [3]}, "monetary": {"values": [1], "customers": [4]}}}'::rfm_cuts$$);
SELECT rfm_cuts_final('{"levels": 5, "counting": {"recency": {"values": [1], "customers": [3]}, "frequency": {"values": [1], "customers": [3]}, "monetary": {"values": [], "customers": []}}}');
SELECT count(*) FILTER (WHERE w = c) AS agree, count(*) FILTER (WHERE (monetary IS NULL) = (w LIKE '__-')) AS without_money, count(*)
FROM (SELECT monetary, rfm_score(recency_days, frequency, monetary) OVER () AS w, rfm_score(recency_days, frequency, monetary, cuts) AS c FROM half, (SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM half) AS k) AS x;
DROP TABLE half, half_states, half_received;
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
	('SELECT rfm_cuts(1, 1, 1, 11)'),
	('SELECT rfm_cuts(1, 1, 1, NULL)'),
	('SELECT rfm_cuts(1, 1, NULL, 11)'),
	('SELECT rfm_cuts(1, 1, 1, l) FROM (VALUES (3), (5)) v(l)'),
	('SELECT rfm_cuts(1, 1, 1, l) FROM (VALUES (5), (3)) v(l)'),
	('SELECT rfm_score(1, 1, 1, 11) OVER ()'),
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
CREATE AGGREGATE pg_temp.rfm_counting_levels(int, bigint, float8, int) (
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
	('{"levels": 11, "customers": 1}'),
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
	('{"levels": 2, "counting": {"recency": {"binned": false}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1, 2], "customers": [1]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1, null], "customers": [1, 1]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1], "customers": [0]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [], "customers": []}, "frequency": {"values": [], "customers": []}, "monetary": {"values": [], "customers": []}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [2, 1], "customers": [1, 1]}, "frequency": {"values": [1], "customers": [2]}, "monetary": {"values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1.5], "customers": [2]}, "frequency": {"values": [1], "customers": [2]}, "monetary": {"values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1], "customers": [1]}, "frequency": {"values": [1], "customers": [2]}, "monetary": {"values": [1], "customers": [2]}}}'),
	('{"levels": 2, "counting": {"recency": {"values": [1, 2], "customers": [576460752303423488, 576460752303423488]}, "frequency": {"values": [1], "customers": [2]}, "monetary": {"values": [1], "customers": [2]}}}')
	) l(literal);
\pset format aligned
-- A state of more values than a map holds reads back alike.
SELECT state::text::rfm_cuts::text = state::text AS equal, customer_count(state::text::rfm_cuts) AS customers
FROM (SELECT pg_temp.rfm_counting(1, i % 7, i / 3.0) AS state FROM generate_series(-40000, 40000) i) x;
-- States of all shapes come to the same together: maps, buffers, runs.
SELECT count(DISTINCT rfm_cuts_send(cuts)) AS different FROM (
	SELECT rfm_cuts(v % 700, v % 11, v / 7.0, 7) AS cuts FROM generate_series(1, 150000) v
	UNION ALL SELECT pg_temp.rfm_combining(state ORDER BY part) FROM (SELECT width_bucket(v, '{100,200,20000,50000,90000}'::int[]) AS part, pg_temp.rfm_counting_levels(v % 700, v % 11, v / 7.0, 7) AS state FROM generate_series(1, 150000) v GROUP BY 1) p
	UNION ALL SELECT pg_temp.rfm_combining(state ORDER BY part DESC) FROM (SELECT width_bucket(v, '{100,200,20000,50000,90000}'::int[]) AS part, pg_temp.rfm_counting_levels(v % 700, v % 11, v / 7.0, 7) AS state FROM generate_series(1, 150000) v GROUP BY 1) p
	UNION ALL SELECT pg_temp.rfm_combining(state::text::rfm_cuts ORDER BY part % 2, part) FROM (SELECT width_bucket(v, '{100,200,20000,50000,90000}'::int[]) AS part, pg_temp.rfm_counting_levels(v % 700, v % 11, v / 7.0, 7) AS state FROM generate_series(1, 150000) v GROUP BY 1) p
	UNION ALL SELECT pg_temp.rfm_combining(state ORDER BY part) FROM (SELECT v % 5 AS part, pg_temp.rfm_counting_levels(v % 700, v % 11, v / 7.0, 7) AS state FROM generate_series(1, 150000) v GROUP BY 1) p
	UNION ALL SELECT pg_temp.rfm_combining(CASE WHEN part % 2 = 0 THEN state::text::rfm_cuts ELSE state END ORDER BY part DESC) FROM (SELECT v % 3 AS part, pg_temp.rfm_counting_levels(v % 700, v % 11, v / 7.0, 7) AS state FROM generate_series(1, 150000) v GROUP BY 1) p) x;
-- More customers than can be counted.
SELECT pg_temp.failure($$SELECT pg_temp.rfm_combining(format('{"levels": 2, "counting": {"recency": %1$s, "frequency": %1$s, "monetary": %1$s}}',
	'{"values": [1], "customers": [576460752303423488]}')::rfm_cuts) FROM generate_series(1, 2)$$);
-- Finished cuts do not tell enough to be continued, and levels must agree.
SELECT pg_temp.failure('SELECT pg_temp.rfm_combining(cuts) FROM (SELECT cuts FROM frozen UNION ALL SELECT cuts FROM frozen) x');
SELECT pg_temp.failure($$SELECT pg_temp.rfm_combining(format('{"levels": %1$s, "counting": {"recency": %2$s, "frequency": %2$s, "monetary": %2$s}}',
	levels, '{"values": [1], "customers": [1]}')::rfm_cuts) FROM generate_series(2, 3) levels$$);

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
-- form 1, which had bins
\copy (SELECT '\x010102000000000000000301401000000000000002400000000000000002c000000000000000'::bytea) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
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
-- a counting state (form 2): one value, 1.0, of one customer, three times
\copy (SELECT decode('010202' || repeat('000000013ff00000000000000000000000000001', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
SELECT cuts FROM received WHERE cuts::jsonb ? 'base64';
-- 4,294,967,295 values
\copy (SELECT decode('010202' || repeat('ffffffff3ff00000000000000000000000000001', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
-- -1 customers
\copy (SELECT decode('010202' || repeat('000000013ff0000000000000ffffffffffffffff', 3), 'hex')) TO 'results/rfm_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/rfm_crafted.bin' WITH (FORMAT binary)
\set SHOW_CONTEXT errors
SELECT count(*) FROM received;

DROP TABLE ten, frozen, frozen_back, shop, many, unknown, parts, parts_back, received;
