-- customer_base: how many customers have the same numbers.

SET datestyle = ISO;

CREATE TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM (VALUES
	(1, date '2026-01-01', 10.0), (1, '2026-01-08', 20.0), (1, '2026-02-01', 30.0),
	(2, '2026-01-01', 15.0), (2, '2026-01-08', 20.0), (2, '2026-02-01', 30.0),
	(3, '2026-01-02', 99.0),
	(4, '2026-01-02', -1.0),
	(5, '2026-01-03', 5.0), (5, '2026-01-20', 7.0), (5, '2026-01-21', -7.0)) AS v(customer_id, ordered_at, amount)
GROUP BY customer_id;

-- Customers 1 and 2 are the same to a model. Customer 4 has no order, and
-- customer 5 no spend after the first day: the base says so.
SELECT customer_base(h) FROM histories;
SELECT u.* FROM (SELECT customer_base(h) AS base FROM histories) AS b, unnest(base) AS u;
SELECT customer_count(base), repeat_customer_count(base), observed_until(base)
FROM (SELECT customer_base(h) AS base FROM histories) AS b;

-- The population as it was: orders after the end of observation do not exist.
SELECT customer_base(h, '2026-01-10') FROM histories;

-- Amounts that are not known leave the spend model, not the base.
SELECT customer_base(h) FROM (
	SELECT purchase_history(d) AS h FROM (VALUES (date '2026-01-01'), ('2026-01-05')) AS v(d)) AS x;

-- No customers, no base.
SELECT customer_base(h) FROM histories WHERE false;
SELECT customer_base(NULL::purchase_history) FROM histories;

-- Bases add: regions, shards, cohorts.
SELECT (SELECT rollup(b) FROM (SELECT customer_base(h) AS b FROM histories GROUP BY customer_id % 2) AS x) =
	(SELECT customer_base(h) FROM histories) AS adds_up;
SELECT (SELECT customer_base(h) FROM histories WHERE customer_id < 3) ||
	(SELECT customer_base(h) FROM histories WHERE customer_id >= 3) =
	(SELECT customer_base(h) FROM histories) AS adds_up;

-- Spend is kept exactly for up to 100,000 customers, in bins of a thirty-second
-- of an octave beyond. Merging cannot tell how the customers were split.
CREATE TABLE many AS
SELECT i, ('{"orders": [["2026-01-01", 1], ["2026-01-' || 11 + i % 20 || '", ' || 1 + i * 0.01 || ']]}')::purchase_history AS h
FROM generate_series(1, 100001) AS i;
SELECT jsonb_array_length(base::jsonb -> 'spend') AS exact, base::jsonb -> 'spend_bins' AS bins
FROM (SELECT customer_base(h) AS base FROM many WHERE i <= 100000) AS x;
SELECT base::jsonb -> 'spend' AS exact, jsonb_array_length(base::jsonb -> 'spend_bins') AS bins,
	(SELECT sum((bin ->> 2)::bigint) FROM jsonb_array_elements(base::jsonb -> 'spend_bins') AS bin) AS customers,
	base::text::customer_base = base AS round_trip,
	base = (SELECT rollup(part) FROM (SELECT customer_base(h ORDER BY i DESC) AS part FROM many GROUP BY i % 3) AS y) AS merges
FROM (SELECT customer_base(h) AS base FROM many) AS x;
-- One group exact, the other in bins, merged in both directions.
SELECT few || lots = all_of_them AND lots || few = all_of_them AS merges FROM (
	SELECT customer_base(h) FILTER (WHERE i <= 10) AS few, customer_base(h) FILTER (WHERE i > 10) AS lots,
		customer_base(h) AS all_of_them
	FROM many) AS x;
DROP TABLE many;

-- Text and binary round trips.
CREATE TEMP TABLE bases AS SELECT customer_base(h, '2026-03-01') AS base FROM histories;
SELECT base = base::text::customer_base AS text FROM bases;
\copy bases TO 'results/customer_base.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (base customer_base);
\copy copied FROM 'results/customer_base.bin' WITH (FORMAT binary)
SELECT count(*) FROM bases JOIN copied USING (base);

-- Broken text is refused, by name.
SELECT '{}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01"]]}'::customer_base;
SELECT '{"timing": [[-1, 5, "2026-01-01", 1]]}'::customer_base;
SELECT '{"timing": [[7, 5, "2026-01-01", 1]]}'::customer_base;
SELECT '{"timing": [[0, 5, "2026-01-01", 1]]}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 1.5]]}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 1]]}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 1]], "spend": [[1, -3, 1]]}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 1]], "spend_bins": [[1, 30000, 1, 999999999999, 0, 0]]}'::customer_base;
SELECT '{"timing": [], "left_out": {"because": 1}}'::customer_base;
SELECT '{"timing": [[1, 4294967295, "5000000-01-01", 1]], "left_out": {"no_amounts": 1}}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 9223372036854775807], [1, 5, "2026-01-01", 1]]}'::customer_base;
SELECT customer_base(h, 'infinity') FROM histories;

DROP TABLE histories;
