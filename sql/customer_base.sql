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
SELECT customer_base(h, date '2026-01-10') FROM histories;
SELECT customer_base(h, '2026-01-10') = customer_base(h, date '2026-01-10') AS same FROM histories;

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
-- The same bytes however the customers come: the spend of most in bins already, or of all exact until the end.
CREATE VIEW parts AS SELECT n, customer_base(h) AS part FROM (
	SELECT h, CASE copy WHEN 1 THEN 0 ELSE 1 + i % 40 END AS n FROM many, generate_series(1, 2) AS copy) AS x GROUP BY n;
SELECT count(*) AS ways, count(DISTINCT base::text) AS bases FROM (
	SELECT customer_base(h) AS base FROM many, generate_series(1, 2) AS copy
	UNION ALL SELECT customer_base(h ORDER BY hashint4(i)) FROM many, generate_series(1, 2) AS copy
	UNION ALL SELECT rollup(part ORDER BY n) FROM parts
	UNION ALL SELECT rollup(part ORDER BY n DESC) FROM parts) AS x;
DROP VIEW parts;
DROP TABLE many;

-- Amounts near three numbers, which differ in their last bits alone, of customers in no order, are in order.
CREATE VIEW amounts AS SELECT k, near + k * near * 2.0::float8 ^ -52 AS amount
FROM generate_series(1, 5000) AS k, LATERAL (SELECT CASE WHEN k <= 4000 THEN 1::float8 WHEN k <= 4800 THEN 98304 ELSE 2.0::float8 ^ 40 + 2.0::float8 ^ 25 END AS near) AS x;
SELECT count(*) AS entries, bool_and((entry ->> 1)::float8 = amount AND (entry ->> 2)::int = 2) AS in_order
FROM (SELECT customer_base(h ORDER BY n * 7919::bigint % 10007) AS base FROM (
	SELECT 2 * k + i AS n, purchase_history(d, CASE d WHEN '2026-01-01' THEN 5 ELSE amount END) AS h
	FROM amounts, generate_series(0, 1) AS i, unnest('{2026-01-01, 2026-02-01}'::date[]) AS d GROUP BY k, i) AS x) AS x,
	jsonb_array_elements(base::jsonb -> 'spend') WITH ORDINALITY AS spend(entry, k) JOIN amounts USING (k);
DROP VIEW amounts;

-- Text and binary round trips.
CREATE TEMP TABLE bases AS SELECT customer_base(h, '2026-03-01') AS base FROM histories;
SELECT base = base::text::customer_base AS text FROM bases;
\copy bases TO 'results/customer_base.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (base customer_base);
\copy copied FROM 'results/customer_base.bin' WITH (FORMAT binary)
SELECT count(*) FROM bases JOIN copied USING (base);

-- A base that has spend in bins goes on to grow: whenever it makes room, the spend that came goes into bins, and nothing counts twice.
CREATE AGGREGATE grown_base(purchase_history) (SFUNC = customer_base_add, STYPE = customer_base, FINALFUNC = customer_base_final,
	INITCOND = '{"timing": [[1, 5, "2026-01-05", 1]], "spend_bins": [[1, 30000, 1, 0, 0, 0]], "gaps": [[5, 1]]}');
CREATE TEMP TABLE frequent AS
SELECT purchase_history(date '2000-01-01' + i + (k * k * (i % 97 + 7)) % 16383, 1 + i * k % 101) AS h
FROM generate_series(1, 2000) AS i, generate_series(1, 25) AS k GROUP BY i;
WITH grown AS MATERIALIZED (SELECT grown_base(h) AS base FROM frequent),
	form AS MATERIALIZED (SELECT base::text::jsonb AS form FROM grown)
SELECT (SELECT sum(repeat_count * customer_count) FROM grown, unnest(base)) AS repeats,
	(SELECT sum((gap->>1)::int) FROM form, jsonb_array_elements(form->'gaps') AS gap) AS gaps,
	(SELECT sum(customer_count) FROM grown, unnest(base) WHERE repeat_count > 0) AS repeaters,
	(SELECT sum((bin->>2)::int) FROM form, jsonb_array_elements(form->'spend_bins') AS bin) AS in_bins;
DROP TABLE frequent;
DROP AGGREGATE grown_base(purchase_history);

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
SELECT customer_base(h, date 'infinity') FROM histories;


-- The gaps between transactions tell how regularly customers buy: k is 1 if
-- they do so at random, more if they are regular, less if they come in bursts.
SELECT round(k::numeric, 3) AS k, round(std_error::numeric, 3) AS std_error, customer_count
FROM (SELECT customer_base(h) AS base FROM histories) AS x, regularity(base);
-- (every fourth day, but for a little) regular; (three days in a row, then a month without) in bursts
SELECT kind, k > 5 AS regular, k < 1 AS in_bursts, customer_count FROM (
	SELECT kind, customer_base(h) AS base FROM (
		SELECT kind, customer, purchase_history(date '2026-01-01' + CASE kind WHEN 'regular' THEN 4 * i + (i + customer) % 2
			ELSE 30 * (i / 3) + i % 3 END) AS h
		FROM unnest(ARRAY['regular', 'in bursts']) AS kind, generate_series(1, 20) AS customer, generate_series(0, 8) AS i
		GROUP BY kind, customer) AS x
	GROUP BY kind) AS y, regularity(base)
ORDER BY kind;
-- A single gap tells nothing, nor do gaps that are not known, and gaps that are all equal tell too much.
SELECT (regularity(base)).* FROM (VALUES
	('{"timing": [[1, 5, "2026-01-01", 9]], "gaps": [[5, 9]], "left_out": {"no_amounts": 9}}'::customer_base),
	('{"timing": [[2, 5, "2026-01-01", 9]], "left_out": {"no_amounts": 9}}'),
	('{"timing": [[2, 10, "2026-01-01", 9]], "gaps": [[5, 18]], "left_out": {"no_amounts": 9}}'),
	('{"timing": []}')) AS v(base);

-- Calendar periods, for models of discrete time. A transaction is then a month
-- (week, quarter, year) with an order, and times are months.
SELECT customer_base(h, 'month') FROM histories;
SELECT customer_base(h, 'year', date '2026-12-31') FROM histories;
SELECT w, repeat_count, last_order_days, first_order_on FROM (
	SELECT w, customer_base(h, w) AS base FROM
		(SELECT purchase_history(d, 1.0) AS h FROM (VALUES (date '1999-12-27'), ('1999-12-31'), ('2000-01-02'), ('2000-01-03'),
			('2000-03-31'), ('2000-04-01'), ('2001-02-28')) AS v(d)) AS x,
		unnest(ARRAY['week', 'month', 'quarter', 'year']) AS w GROUP BY w) AS y, unnest(base)
ORDER BY last_order_days DESC;
SELECT customer_base(h, 'fortnight') FROM histories;
SELECT (SELECT customer_base(h) FROM histories) || (SELECT customer_base(h, 'month') FROM histories);
-- A refund after the last order is observed, too: the base ends on its day, and scores as of that day see it.
SELECT observed_until(b), b::jsonb - 'observed_until' = until::jsonb - 'observed_until' AS same, (b::jsonb -> 'spend') AS spend
FROM (SELECT customer_base(h) AS b, customer_base(h, date '2024-12-20') AS until
	FROM (VALUES ('{"orders": [["2024-01-01", 50], ["2024-02-01", 60], ["2024-12-20", -40]]}'::purchase_history),
		('{"orders": [["2024-01-05", 50], ["2024-06-06", 60]]}')) AS v(h)) AS bases;

-- So for any histories: a base without a day is the base until its end of observation, apart from
-- the recorded day; and it has the same bytes however the customers were split.
CREATE TEMP TABLE shop AS
SELECT shop, customer, purchase_history(date '2025-01-01' + day, amount) AS h
FROM (SELECT shop, customer, (hashint4(shop * 1009 + customer * 31 + n) & 1023) % 400 AS day,
		CASE WHEN hashint4(shop + customer * 7919 + n * 104729) % 3 = 0 THEN -5 ELSE 20 END AS amount
	FROM generate_series(1, 300) AS shop, generate_series(1, 1 + shop % 4) AS customer, generate_series(1, 3) AS n) AS purchases
GROUP BY shop, customer;
CREATE TEMP TABLE shop_base AS
SELECT shop, 'day' AS period, customer_base(h) AS base FROM shop GROUP BY shop
UNION ALL SELECT shop, 'month', customer_base(h, 'month') FROM shop GROUP BY shop;
CREATE TEMP TABLE shop_base_until AS
SELECT shop, 'day' AS period, customer_base(h, observed_until(base)) AS base
FROM shop JOIN shop_base USING (shop) WHERE period = 'day' AND observed_until(base) IS NOT NULL GROUP BY shop
UNION ALL SELECT shop, 'month', customer_base(h, 'month', observed_until(base))
FROM shop JOIN shop_base USING (shop) WHERE period = 'month' AND observed_until(base) IS NOT NULL GROUP BY shop;
CREATE TEMP TABLE shop_base_of_parts AS
SELECT shop, 'day' AS period, rollup(base) AS base FROM (SELECT shop, customer_base(h) AS base FROM shop GROUP BY shop, customer) AS part GROUP BY shop
UNION ALL SELECT shop, 'month', rollup(base) FROM (SELECT shop, customer_base(h, 'month') AS base FROM shop GROUP BY shop, customer) AS part GROUP BY shop;
SELECT period, count(*) > 290 AS many, count(*) FILTER (WHERE b.base::jsonb ->> 'observed_until' IS NOT NULL) > 20 AS some_end_with_a_refund,
	count(*) FILTER (WHERE b.base::jsonb - 'observed_until' <> u.base::jsonb - 'observed_until'
		OR observed_until(b.base) <> observed_until(u.base)) AS differ,
	count(*) FILTER (WHERE b.base <> p.base) AS split_differs
FROM shop_base AS b JOIN shop_base_until AS u USING (shop, period) JOIN shop_base_of_parts AS p USING (shop, period)
GROUP BY period ORDER BY period;
-- What a score sees on that day is what the base has counted of the customer.
SELECT count(*) > 700 AS many, count(*) FILTER (WHERE total_spend(h) <> total_spend(history_until(h, observed_until(base)))) AS differ
FROM shop JOIN shop_base USING (shop) WHERE period = 'day' AND observed_until(base) IS NOT NULL;
DROP TABLE shop, shop_base, shop_base_until, shop_base_of_parts;

-- What is spent in the first period belongs to the first transaction, refunds to the period they fall in.
SELECT customer_base(h, 'month') FROM (SELECT purchase_history(d, a) AS h FROM (VALUES (date '2026-01-05', 10.0), ('2026-01-20', 20.0),
	('2026-02-01', 40.0), ('2026-02-03', -5.0), ('2026-03-01', -1.0)) AS v(d, a)) AS x;

-- Covariates: customers are counted by them. NULL and NaN leave a customer out.
CREATE TEMP TABLE customers AS SELECT customer_id, h, CASE customer_id WHEN 5 THEN NULL ELSE ARRAY[customer_id % 2, 0.5] END AS z FROM histories;
SELECT customer_base(h, z) FROM customers;
SELECT u.* FROM (SELECT customer_base(h, z, '2026-01-10') AS base FROM customers) AS b, unnest(base) AS u;
SELECT (SELECT rollup(b) FROM (SELECT customer_base(h, z ORDER BY customer_id DESC) AS b FROM customers GROUP BY customer_id % 3) AS x) =
	(SELECT customer_base(h, z) FROM customers) AS adds_up,
	(SELECT customer_base(h, ARRAY[-0.0]) FROM customers) = (SELECT customer_base(h, ARRAY[0]) FROM customers) AS one_zero;
SELECT base = base::text::customer_base AS text FROM (SELECT customer_base(h, z) AS base FROM customers) AS x;
SELECT customer_base(h, ARRAY['NaN', 'infinity', NULL]::float8[]) FROM histories;
SELECT customer_base(h, (ARRAY[customer_id, 1])[:1 + customer_id % 2]) FROM histories;
SELECT customer_base(h, ARRAY[[1, 2]]::float8[]) FROM histories;
SELECT customer_base(h, array_fill(1.0, ARRAY[11])) FROM histories;
SELECT customer_base(h) || customer_base(h, z) FROM customers;
SELECT '{"covariates": [[1], [1]], "timing": []}'::customer_base;
SELECT '{"covariates": [[1], [2, 3]], "timing": []}'::customer_base;
SELECT '{"covariates": [[2], [1]], "timing": [[0, 0, "2026-01-01", 1, 0], [0, 0, "2026-01-01", 2, 1]]}'::customer_base;
SELECT '{"covariates": [[1]], "timing": [[0, 0, "2026-01-01", 1, 1]]}'::customer_base;
SELECT '{"period": "fortnight", "timing": []}'::customer_base;
SELECT '{"period": "month", "timing": [[0, 0, "2026-01-02", 1]]}'::customer_base;
SELECT '{"timing": [[1, 5, "2026-01-01", 1]], "gaps": [[5, 2]], "left_out": {"no_amounts": 1}}'::customer_base;

-- The bootstrap: every replicate draws each customer a Poisson(1) number of
-- times, and draws the same whenever it is asked.
CREATE TEMP TABLE crowd AS
SELECT i, purchase_history(date '2026-01-01' + (i % 50) + g * (1 + i % 7), i) AS h FROM generate_series(1, 2000) AS i, generate_series(0, i % 3) AS g GROUP BY i;
SELECT count(DISTINCT base::text) AS replicates, round(avg(customer_count(base)), -2) AS customers,
	stddev(customer_count(base)) BETWEEN 30 AND 60 AS sd_is_root_of_2000
FROM (SELECT customer_base(h, r, 7) AS base FROM crowd, generate_series(1, 50) AS r GROUP BY r) AS x;
SELECT (SELECT customer_base(h, 3, 7) FROM crowd) = (SELECT rollup(b) FROM
	(SELECT customer_base(h, 3, 7 ORDER BY random()) AS b FROM crowd GROUP BY i % 4) AS x) AS again,
	(SELECT customer_base(h, 3, 7) FROM crowd) = (SELECT customer_base(h, 3, 8) FROM crowd) AS other_seed;
SELECT customer_base(h, NULL, 7) FROM crowd;
DROP TABLE histories;
