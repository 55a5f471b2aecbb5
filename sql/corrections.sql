-- Corrections: what went into a history or a base can be taken out again.

SET datestyle = ISO;
CREATE SCHEMA corrected;
SET search_path = corrected, public;
CREATE FUNCTION history(orders text) RETURNS purchase_history LANGUAGE sql IMMUTABLE AS
$$ SELECT ('{"orders": ' || orders || '}')::purchase_history $$;

-- Every purchase of the second is taken out of the first once.
SELECT history('[["2026-01-01", 10], ["2026-01-01", 10], ["2026-02-01", -5], ["2026-03-01", 20]]') - history('[["2026-01-01", 10]]');
SELECT history('[["2026-01-01", 10], ["2026-03-01", 20]]') - history('[["2026-01-01", 10], ["2026-03-01", 20]]');
SELECT history('[["2026-01-01", 10]]') - '{"orders": []}', NULL - history('[]');

-- What is not in it cannot be taken out: not from another day, with another amount, or once too often.
SELECT history('[["2026-01-01", 10], ["2026-01-03", 10]]') - history('[["2026-01-02", 10]]');
SELECT history('[["2026-01-01", 10]]') - history('[["2026-01-01", 10.01]]');
SELECT history('[["2026-01-01", 10]]') - history('[["2026-01-01", 10], ["2026-01-01", 10]]');
SELECT history('[["2026-01-01", 10]]') - history('[["2026-01-01", null]]');

-- @> finds offenders first.
SELECT g, history('[["2026-01-01", 10], ["2026-01-01", 10], ["2026-03-01", null]]') @> history(g) AS contains,
	history(g) <@ history('[["2026-01-01", 10], ["2026-01-01", 10], ["2026-03-01", null]]') AS contained,
	purchases_missing_from(history(g), history('[["2026-01-01", 10], ["2026-01-01", 10], ["2026-03-01", null]]')) AS missing
FROM unnest(ARRAY['[]', '[["2026-01-01", 10]]', '[["2026-01-01", 10], ["2026-01-01", 10], ["2026-01-01", 10]]',
	'[["2026-01-01", 10.5]]', '[["2026-03-01", null]]', '[["2026-03-01", 0]]']) AS g;

-- Encodings do not matter: what is left over is stored as if nothing else had ever been in it.
SELECT left_over, left_over = history(expected) AS same, pg_column_size(left_over) = pg_column_size(history(expected)) AS as_small
FROM (VALUES ('[["2026-01-01", 10], ["2026-01-02", 0.25]]', '[["2026-01-02", 0.25]]', '[["2026-01-01", 10]]'),
	('[["2026-01-01", 10], ["2026-01-02", 0.123456]]', '[["2026-01-02", 0.123456]]', '[["2026-01-01", 10]]'),
	('[["2026-01-01", 0.5], ["2026-01-02", null]]', '[["2026-01-02", null]]', '[["2026-01-01", 0.5]]'),
	('[["2026-01-01", null], ["2026-01-02", 7]]', '[["2026-01-02", 7]]', '[["2026-01-01", null]]'),
	('[["2026-01-01", null]]', '[["2026-01-01", null]]', '[]')) AS v(h, g, expected), LATERAL (SELECT history(h) - history(g) AS left_over) AS x;

-- (h || g) - g = h, (h || g) - h = g, and both are in h || g: byte for byte, for histories of every kind.
CREATE TABLE some_histories AS
SELECT i, purchase_history(date '2026-01-01' + i * 31 % 97 + j * j, CASE i % 5 WHEN 0 THEN j WHEN 1 THEN j / 4.0 WHEN 2 THEN -j / 8.0 WHEN 3 THEN sqrt(j) ELSE 1e12 + j END::float8) AS h
FROM generate_series(0, 59) AS i, generate_series(1, 1 + i % 13) AS j GROUP BY i
UNION ALL SELECT 100 + i, purchase_history(date '2026-01-01' + i * 3) FROM generate_series(1, 3) AS i GROUP BY i
UNION ALL SELECT 200, '{"orders": []}' UNION ALL SELECT 201, '{"orders": [["2026-01-01", null], ["2026-01-04", 5.5]]}';
SELECT count(*), count(*) FILTER (WHERE (a.h || b.h) - b.h = a.h AND (a.h || b.h) - a.h = b.h AND a.h || b.h @> a.h AND purchases_missing_from(a.h || b.h, a.h) = jsonb_array_length(b.h::jsonb -> 'orders')) AS right
FROM some_histories AS a, some_histories AS b;

-- A window is replaced: what is outside stays, what is inside is what is fresh; of that nothing else is taken.
SELECT history_replace(h, fresh, '2026-02-01', '2026-03-01') AS february, history_replace(h, fresh, '2026-02-01') AS since_then,
	history_replace(h, '{"orders": []}', '-infinity', '2026-02-01') AS forgotten, history_replace(h, fresh, '-infinity') = fresh AS everything,
	history_replace(h, fresh, '2026-02-01', '2026-02-01') = h AS nothing
FROM (VALUES (history('[["2026-01-01", 1], ["2026-02-01", 2], ["2026-02-28", 3.5], ["2026-03-01", 4]]'),
	history('[["2026-01-31", 10], ["2026-02-05", 20], ["2026-03-01", 30]]'))) AS v(h, fresh);
SELECT history_replace(h, h, '2026-02-01', '2026-01-01') FROM some_histories LIMIT 1;
-- Again and again gives the same; and it is the same as taking out what was there and putting in what is new.
SELECT count(*), count(*) FILTER (WHERE r = history_replace(r, b.h, s, u) AND a.h = history_replace(r, a.h, s, u)
	AND purchases_missing_from(r, a.h) <= jsonb_array_length(b.h::jsonb -> 'orders')
	AND has_purchases_between(r, s, u) = has_purchases_between(b.h, s, u)) AS right
FROM some_histories AS a, some_histories AS b, (VALUES (date '2026-02-01', date '2026-03-15'), ('-infinity', '2026-02-01'), ('2026-02-10', 'infinity')) AS w(s, u),
	LATERAL (SELECT history_replace(a.h, b.h, s, u) AS r) AS x;

-- A purchase, or a refund, in [since, until).
SELECT has_purchases_between(h, '2026-01-01', '2026-01-02'), has_purchases_between(h, '2026-01-02', '2026-02-01'),
	has_purchases_between(h, '2026-02-01', 'infinity'), has_purchases_between(h, '-infinity', '2026-01-01')
FROM (VALUES (history('[["2026-01-01", 1], ["2026-02-01", -2]]'))) AS v(h);

-- remove: what leaves comes in rows. It is history - rollup(gone), in any order.
CREATE TABLE cancelled (i int, gone purchase_history);
INSERT INTO cancelled SELECT i, purchase_history(ordered_on, amount) FROM some_histories, unnest(h) WHERE i < 60 AND ordered_on > '2026-02-01' GROUP BY i, ordered_on;
SELECT count(*), count(*) FILTER (WHERE removed = history_until(h, '2026-02-01')) AS right
FROM some_histories JOIN (SELECT i, remove(h, gone) AS removed FROM some_histories JOIN cancelled USING (i) GROUP BY i) AS x USING (i);
-- Where nothing is gone, as in a LEFT JOIN, the history stays.
SELECT remove(h, gone) FROM (VALUES (history('[["2026-01-01", 1]]'), NULL::purchase_history), (NULL, history('[]'))) AS v(h, gone);
SELECT remove(h, gone) FROM (VALUES (history('[["2026-01-01", 1], ["2026-01-02", 2]]'), NULL::purchase_history), (history('[["2026-01-01", 1], ["2026-01-02", 2]]'), history('[["2026-01-01", 1]]'))) AS v(h, gone);
SELECT remove(NULL, history('[["2026-01-01", 1]]')) IS NULL AS no_history;
SELECT remove(h, gone) FROM (VALUES (history('[["2026-01-01", 1]]'), history('[["2026-01-01", 2]]'))) AS v(h, gone);
SELECT remove(h, gone) FROM (VALUES (history('[["2026-01-01", 1]]'), history('[]')), (history('[["2026-01-01", 2]]'), history('[]'))) AS v(h, gone);

-- Bases: customers are taken out of a population, exactly on counts and sums.
CREATE TABLE customers AS
SELECT customer_id, purchase_history(ordered_at, amount::numeric(12, 2)) AS h
FROM simulate_orders(2000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1)
GROUP BY customer_id UNION ALL SELECT -1, '{"orders": []}' UNION ALL SELECT -2, '{"orders": [["2025-01-01", 5], ["2025-01-09", null]]}';
SELECT what, (a || b) - b = a AS right, (a || b) - a = b AS also_right, customer_count((a || b) - b) AS customers, (a || b) - (a || b) AS nobody
FROM (
	SELECT 'days' AS what, customer_base(h) FILTER (WHERE customer_id % 3 > 0) AS a, customer_base(h) FILTER (WHERE customer_id % 3 <= 0) AS b FROM customers
	UNION ALL SELECT 'until', customer_base(h, '2025-06-30') FILTER (WHERE customer_id % 3 > 0), customer_base(h, '2025-06-30') FILTER (WHERE customer_id % 3 <= 0) FROM customers
	UNION ALL SELECT 'months', customer_base(h, 'month') FILTER (WHERE customer_id % 3 > 0), customer_base(h, 'month') FILTER (WHERE customer_id % 3 <= 0) FROM customers
	UNION ALL SELECT 'covariates', customer_base(h, ARRAY[customer_id % 3, 0.5]) FILTER (WHERE customer_id % 3 > 0), customer_base(h, ARRAY[customer_id % 4, 0.5]) FILTER (WHERE customer_id % 3 <= 0) FROM customers
) AS x;
-- In bins, too: exact spend is taken out of its bin.
SELECT (a || b) - b = a AS right FROM (SELECT customer_base(h) AS a FROM
	(SELECT purchase_history(date '2025-01-01' + k * 30, n / 100.0 + k) AS h FROM generate_series(1, 100001) AS n, generate_series(0, 1) AS k GROUP BY n) AS x) AS many,
	(SELECT customer_base(h) AS b FROM customers) AS few;
-- One customer at a time, until nobody is left.
SELECT (SELECT customer_base(h) FROM customers WHERE customer_id < 9) - b - c - d AS nobody
FROM (SELECT customer_base(h) AS b FROM customers WHERE customer_id < 3) AS b, (SELECT customer_base(h) AS c FROM customers WHERE customer_id IN (3, 4)) AS c,
	(SELECT customer_base(h) AS d FROM customers WHERE customer_id BETWEEN 5 AND 8) AS d;
-- Who is not in it cannot be taken out, and what does not fit neither.
SELECT customer_base(h) FILTER (WHERE customer_id < 9) - customer_base(h) FILTER (WHERE customer_id = 9) FROM customers;
SELECT customer_base(h) - customer_base(h, 'month') FROM customers;
SELECT '{"timing": [[1, 5, "2026-01-05", 2]], "spend": [[1, 10.5, 2]]}'::customer_base - '{"timing": [[1, 5, "2026-01-05", 1]], "spend": [[1, 11, 1]]}';
SELECT '{"timing": [[0, 0, "2026-01-05", 2]]}'::customer_base - '{"timing": [], "left_out": {"no_orders": 1}}';
SELECT '{"timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 32847, 2, 5, 6, 7]]}'::customer_base - '{"timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 32847, 2, 4, 6, 7]]}';

-- Erasure: a person goes from the histories, and the population goes on as if they had never been in it.
-- A model that was fitted before holds parameters, and no person.
SELECT base - customer_base(h) = (SELECT customer_base(h) FROM customers WHERE customer_id <> 17) AS as_if_never
FROM customers, (SELECT customer_base(h) AS base FROM customers) AS b WHERE customer_id = 17 GROUP BY base;
