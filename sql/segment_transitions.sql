-- segment_transitions: who moved from which segment to which, and what follows from it.

-- A hundred customers in A, a hundred in B, two hundred in C, and where they are a month later.
CREATE TABLE moves AS SELECT * FROM (VALUES
	('A', 'A', 80), ('A', 'B', 15), ('A', 'C', 5), ('B', 'A', 10), ('B', 'B', 60), ('B', 'C', 30), ('C', 'A', 2), ('C', 'B', 18), ('C', 'C', 180))
	AS v(from_segment, to_segment, customers);
SELECT segment_transitions(from_segment, to_segment, customers) AS t FROM moves \gset
SELECT :'t'::segment_transitions, customer_count(:'t'::segment_transitions);
-- The same from one row for each customer, in any order.
SELECT segment_transitions(from_segment, to_segment ORDER BY customers DESC, i) = :'t' AS same FROM moves, generate_series(1, customers) AS i;
SELECT segment_transitions(from_segment, to_segment ORDER BY i % 7, to_segment) = :'t' AS same FROM moves, generate_series(1, customers) AS i;

-- Shares, those in the long run, and how soon.
SELECT from_segment, to_segment, customers, round(share::numeric, 8) AS share FROM transition_shares(:'t');
SELECT from_segment, to_segment, round(share::numeric, 8) AS smoothed, abs(share - (customers + 1.0 / 3) / (CASE from_segment WHEN 'C' THEN 201 ELSE 101 END)) < 1e-15 AS right
FROM transition_shares(:'t', smooth => true);
SELECT segment, round(share::numeric, 8) AS share, status FROM steady_state(:'t');
SELECT round(transition_half_life(:'t')::numeric, 8) AS half_life;
SELECT from_segment, round(periods::numeric, 8) AS periods, status FROM expected_periods_to(:'t', 'C');
SELECT period, segment, round(customers::numeric, 4) AS customers, round(share::numeric, 8) AS share
FROM transition_forecast(:'t', 12) WHERE period IN (0, 1, 12);

-- New and gone customers are states as well, or shares lie.
SELECT segment_transitions(f, t) AS o FROM (VALUES (NULL, 'New'), (NULL, 'New'), ('New', 'Loyal'), ('New', 'New'), ('Loyal', 'Loyal'), ('Loyal', NULL),
	('(new)', 'Loyal'), ('Loyal', '(gone)'), (NULL, NULL), ('(new)', NULL)) AS v(f, t) \gset
SELECT :'o'::segment_transitions;
SELECT * FROM unnest(:'o'::segment_transitions);
SELECT * FROM transition_shares(:'o');
SELECT * FROM transition_shares(:'o', true);
-- In the steady state each customer who leaves is replaced by a new one: 2/3 of the leavers by a New one.
SELECT segment, share, status FROM steady_state(:'o');
SELECT * FROM expected_periods_to(:'o', '(gone)');
SELECT * FROM expected_periods_to(:'o', 'Loyal');
SELECT * FROM expected_periods_to(:'o', 'New');
SELECT * FROM transition_forecast(:'o', 2);

-- Where there is no long run, nobody makes one up.
SELECT name, s.*, transition_half_life(v) AS half_life FROM (VALUES
	('in turns', '{"moves": [["A", "B", 1], ["B", "A", 1]]}'::segment_transitions),
	('a trap', '{"moves": [["A", "A", 1], ["A", "B", 1], ["B", "B", 1]]}'),
	('apart', '{"moves": [["A", "A", 1], ["B", "B", 1]]}'),
	('not seen after', '{"moves": [["A", "A", 1], ["A", "B", 1]]}'),
	('coming to an end', '{"moves": [["A", "A", 1], ["A", null, 1]]}')) AS v(name, v), steady_state(v) AS s;
SELECT * FROM steady_state('{"moves": [["A", "B", 1], ["B", "A", 1]]}', true);
SELECT * FROM steady_state('{"moves": [["A", "A", 7]]}'), transition_half_life('{"moves": [["A", "A", 7]]}') AS half_life;
SELECT * FROM expected_periods_to('{"moves": [["A", "A", 1], ["A", "B", 1], ["B", "B", 1], ["A", "C", 1], ["C", "A", 3]]}', 'C');
SELECT * FROM transition_forecast('{"moves": [["A", "A", 1], ["A", "B", 1]]}', 2);

-- Nothing, and next to nothing.
SELECT segment_transitions(NULL, NULL), segment_transitions('A', 'B', NULL), segment_transitions('A', 'B', 0), rollup(NULL::segment_transitions);
SELECT segment_transitions(from_segment, to_segment) FROM moves WHERE false;
SELECT s.* FROM (SELECT '{"moves": []}'::segment_transitions AS v) AS x, steady_state(v) AS s;
SELECT customer_count('{"moves": []}'::segment_transitions), transition_half_life('{"moves": []}'), (SELECT count(*) FROM transition_shares('{"moves": []}')) AS shares,
	(SELECT count(*) FROM transition_forecast('{"moves": []}', 3)) AS forecast;
SELECT transition_half_life(NULL), (SELECT count(*) FROM transition_shares(NULL)) AS shares, (SELECT count(*) FROM steady_state(NULL)) AS steady;

-- Merging: of parts in any split, in a window, over grouping sets, in workers: the same bytes.
CREATE TABLE many AS SELECT i, 'S' || i * i % 11 AS f, CASE WHEN i % 13 > 0 THEN 'S' || i * 7 % 11 END AS t FROM generate_series(1, 20000) AS i;
CREATE TABLE whole AS SELECT segment_transitions(f, t) AS v FROM many;
SELECT (SELECT rollup(part) FROM (SELECT segment_transitions(f, t ORDER BY i DESC) AS part FROM many GROUP BY i % 7) AS x) = v AS rollup,
	(SELECT segment_transitions(f, t) FROM many WHERE i < 5000) || (SELECT segment_transitions(f, t) FROM many WHERE i >= 5000) = v AS merged,
	(SELECT segment_transitions(u.from_segment, u.to_segment, u.customers) FROM unnest(v) AS u) = v AS unnested,
	v::text::segment_transitions = v AS text, v || '{"moves": []}' = v AS nothing, customer_count(v)
FROM whole;
SELECT bool_and(w = (SELECT segment_transitions(f, t) FROM many AS m WHERE m.i BETWEEN x.i - 2 AND x.i)) AS windows
FROM (SELECT i, segment_transitions(f, t) OVER (ORDER BY i ROWS 2 PRECEDING) AS w FROM many) AS x WHERE i < 100;
SELECT i % 2 AS half, customer_count(segment_transitions(f, t)) FROM many GROUP BY GROUPING SETS ((), (i % 2)) ORDER BY 1;
SELECT segment_transitions_add(v, 'A', 'B') = v || '{"moves": [["A", "B", 1]]}' AS added, v = (SELECT segment_transitions(f, t) FROM many) AS unchanged FROM whole;
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan jsonb; BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN jsonb_path_exists(plan, '$.** ? (@."Node Type" == "Aggregate" && @."Partial Mode" == "Partial")');
END $$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.is_parallel('SELECT segment_transitions(f, t) FROM many') AS moves, pg_temp.is_parallel('SELECT segment_transitions(f, t, i) FROM many') AS counts,
	pg_temp.is_parallel('SELECT rollup(NULL::segment_transitions) FROM many') AS merges;
SELECT segment_transitions(f, t) = (SELECT v FROM whole) AS same FROM many;
RESET max_parallel_workers_per_gather;

-- Equal values are equal, hash alike and sort; jsonb shows what there is.
SELECT count(DISTINCT v) FROM (SELECT v FROM whole UNION ALL SELECT v || '{"moves": []}' FROM whole) AS x;
SELECT '{"moves": [["Größe 数", "\"x\"", 3], [null, "a\\b", 2]]}'::segment_transitions::jsonb;

-- 255 segments are many; customers are no segments.
SELECT customer_count(segment_transitions('S' || i, 'S' || i)) FROM generate_series(1, 255) AS i;
SELECT round(sum(share)::numeric, 12) AS all_of_them, count(*) FROM steady_state((SELECT segment_transitions('S' || i, 'S' || i % 255 + 1) || segment_transitions('S' || i, 'S' || i, 2)
	FROM generate_series(1, 255) AS i));
SELECT segment_transitions('S' || i, 'S' || i) FROM generate_series(1, 256) AS i;

-- Refused, with what is wrong.
\set VERBOSITY default
SELECT segment_transitions('', 'A');
SELECT segment_transitions('A', repeat('x', 256));
SELECT segment_transitions('A', '(new)');
SELECT segment_transitions('A', 'B', -1);
SELECT segment_transitions('A', 'B', 9223372036854775807) FROM generate_series(1, 2);
SELECT * FROM expected_periods_to(:'t', 'D');
SELECT * FROM expected_periods_to(:'t', '(gone)');
SELECT * FROM transition_forecast(:'t', -1);
SELECT * FROM transition_forecast(:'t', 10001);
SELECT '{"moves": [["A", "B"]]}'::segment_transitions;
SELECT '{"moves": [["A", "B", 0]]}'::segment_transitions;
SELECT '{"moves": [["A", "B", 1], ["A", "B", 2]]}'::segment_transitions;
SELECT '{"moves": [[null, null, 1]]}'::segment_transitions;
SELECT '{"moves": [["", "B", 1]]}'::segment_transitions;
SELECT '{"moves": [["(new)", "B", 1]]}'::segment_transitions;
SELECT '{"moves": [[5, "B", 1]]}'::segment_transitions;
SELECT '{"moves": [["A", "B", 9223372036854775807], ["A", "A", 1]]}'::segment_transitions;
SELECT ('{"moves": [' || string_agg(format('["S%s", "S%s", 1]', i, i), ', ') || ']}')::segment_transitions FROM generate_series(1, 256) AS i;
SELECT '{"moves": [], "more": 1}'::segment_transitions;

-- The binary form: there and back; crafted bytes are refused.
CREATE TEMP TABLE copied (v segment_transitions);
\copy whole TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
SELECT copied.v = whole.v AS same FROM copied, whole;
SELECT segment_transitions_send('{"moves": [[null, "New", 3], ["New", "Old", 258]]}');
-- another version
\copy (SELECT '\x0200000000'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- more moves than there are bytes for
\copy (SELECT '\x017fffffff'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- a name that ends too early
\copy (SELECT '\x0100000001000000ff41ffffffff0000000000000001'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- nobody moves
\copy (SELECT '\x01000000010000000141ffffffff0000000000000000'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- fewer than nobody
\copy (SELECT '\x01000000010000000141ffffffffffffffffffffffff'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- from nowhere to nowhere
\copy (SELECT '\x0100000001ffffffffffffffff0000000000000001'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
-- a byte too many
\copy (SELECT '\x01000000010000000141ffffffff000000000000000100'::bytea) TO 'results/crafted.bin' WITH (FORMAT binary)
\copy copied FROM 'results/crafted.bin' WITH (FORMAT binary)
DROP TABLE moves, many, whole, copied;
