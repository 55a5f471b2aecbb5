-- purchase_history: one customer's purchases, compact and exact.

SET datestyle = ISO;

CREATE TABLE orders (customer_id int, ordered_at timestamp, amount numeric);
INSERT INTO orders VALUES
	(1, '2026-01-05 10:15', 120.00), (1, '2026-01-05 18:40', 30.50), (1, '2026-03-01 09:00', 80.00),
	(2, '2026-02-10 12:00', 45.90),
	(3, '2026-01-20 08:00', 99.95), (3, '2026-01-25 08:00', -99.95), (3, '2026-02-03 20:30', 12.00);

-- Rows become a history: the sorted multiset of (day, amount).
SELECT customer_id, purchase_history(ordered_at, amount) AS history
FROM orders GROUP BY customer_id ORDER BY customer_id;

-- What happened. Two orders on one day are two orders, and one transaction.
CREATE TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id;

SELECT customer_id, first_order_on(h), last_order_on(h), order_count(h), transaction_count(h),
	total_spend(h), avg_order_value(h)
FROM histories ORDER BY customer_id;

-- When. Timing counts transactions; every day is that of an argument, never of the clock.
SELECT customer_id, repeat_count(h), recency_days(h, '2026-03-31'), tenure_days(h, '2026-03-31'),
	avg_days_between_orders(h), days_to_nth_order(h, 2)
FROM histories ORDER BY customer_id;

-- In any window [since, until).
SELECT customer_id, orders_between(h, '2026-01-01', '2026-02-01') AS january_orders,
	spend_between(h, '2026-01-01', '2026-02-01') AS january_spend,
	spend_between(h, '-infinity', 'infinity') AS spend
FROM histories ORDER BY customer_id;

-- The past as it was.
SELECT customer_id, history_until(h, '2026-01-31'), repeat_count(h, '2026-01-31'),
	recency_days(h, '2026-01-31')
FROM histories ORDER BY customer_id;

-- And back to rows.
SELECT customer_id, u.ordered_on, u.amount FROM histories, unnest(h) AS u ORDER BY 1, 2, 3;

-- A refund lowers spend on its day, and is nothing else: customer 3 ordered on
-- two days. A refund on a day with an order nets; a history of refunds alone
-- has no order, and nothing to say about recency.
SELECT order_count(h), transaction_count(h), total_spend(h), first_order_on(h), recency_days(h, '2026-12-31'),
	avg_order_value(h), repeat_count(h), days_to_nth_order(h, 1)
FROM (VALUES ('{"orders": [["2026-01-01", -5]]}'::purchase_history)) AS v(h);
SELECT order_count(h), transaction_count(h), total_spend(h), last_order_on(h)
FROM (VALUES ('{"orders": [["2026-01-01", 10], ["2026-01-01", -15], ["2026-01-09", -1]]}'::purchase_history)) AS v(h);

-- Rows without a time or an amount are skipped; no rows, no history.
SELECT purchase_history(t, a) FROM (VALUES (date '2026-01-01', NULL::numeric), (NULL, 5), ('2026-01-02', 7)) AS v(t, a);
SELECT purchase_history(t, a) FROM (VALUES (date '2026-01-01', NULL::numeric)) AS v(t, a);
SELECT purchase_history(ordered_at, amount) FROM orders WHERE false;

-- Times are dates, timestamps, or timestamps with time zone, which fall on
-- their day in the session's time zone. Amounts are numeric, float8, or none.
SET timezone = 'UTC';
SELECT purchase_history(timestamptz '2026-01-01 23:30:00+00', 1.5::float8);
SET timezone = 'Europe/Oslo';
SELECT purchase_history(timestamptz '2026-01-01 23:30:00+00', 1.5::float8);
SELECT purchase_history(timestamptz '2026-01-01 23:30:00+00' AT TIME ZONE 'UTC', 1.5::float8);
RESET timezone;
SELECT h, order_count(h), total_spend(h), avg_order_value(h), spend_between(h, '-infinity', 'infinity')
FROM (SELECT purchase_history(d) AS h FROM (VALUES (date '2026-01-09'), ('2026-01-01')) AS v(d)) AS x;
SELECT purchase_history(date '0044-03-15 BC', 1::numeric), purchase_history(timestamp '1969-12-31 23:59:59', 2);

-- An order whose amount is not known is an order; histories with and without
-- amounts merge. A sum with an unknown part is not known.
SELECT h, order_count(h), total_spend(h), avg_order_value(h)
FROM (SELECT purchase_history(date '2026-01-01') || purchase_history(date '2026-01-01', 5.25) AS h) AS x;

-- A numeric amount is read as the server's own cast to float8 reads it.
SELECT count(*) AS amounts, count(*) FILTER (WHERE h IS DISTINCT FROM g) AS differ FROM (
	SELECT purchase_history(date '2026-01-01', n) AS h, purchase_history(date '2026-01-01', n::float8) AS g FROM (
		SELECT sign * m * ('1e' || e)::numeric AS n
		FROM (VALUES (1), (-1)) AS s(sign), generate_series(-40, 40) AS e,
			(VALUES (0), (1), (7), (9999), (10000), (10001), (99999999), (123456789012), (9007199254740991), (9007199254740993),
				(12345678901234567890123), (0.1), (1234.5678), (99999.99), (0.00012345)) AS d(m)
		UNION ALL
		SELECT (i::bigint * 7919 % 1000003)::numeric / ('1e' || i % 9)::numeric FROM generate_series(1, 2000) AS i) AS x
	GROUP BY n) AS y;

-- Exact: cents add up as cents.
SELECT total_spend(purchase_history(date '2026-01-01', a)) = 0.3 FROM (VALUES (0.1), (0.2)) AS v(a);
SELECT total_spend(purchase_history(date '2026-01-01' + i, 0.1::numeric)) FROM generate_series(1, 1000) AS i;
-- Whole amounts may be too large to be told in the cents of others.
SELECT purchase_history(date '2026-01-01' + i, a) FROM (VALUES (1, 50000000000), (2, 0.01)) AS v(i, a);
SELECT total_spend(purchase_history(date '2026-01-01' + i, a))
FROM (VALUES (1, 1e16::float8), (2, 0.123456789), (3, -1e16)) AS v(i, a);

-- The same rows in any order, split in any way, give the same value.
CREATE TABLE log AS
SELECT i % 7 AS customer_id, date '2026-01-01' + (i * 37) % 211 AS ordered_on,
	((i * 7919) % 20011)::numeric / 100 - 20 AS amount
FROM generate_series(1, 2000) AS i;
SELECT count(DISTINCT h) FROM (
	SELECT purchase_history(ordered_on, amount ORDER BY amount) AS h FROM log
	UNION ALL SELECT purchase_history(ordered_on, amount ORDER BY ordered_on DESC) FROM log
	UNION ALL SELECT purchase_history(ordered_on, amount::float8) FROM log
	UNION ALL SELECT rollup(h) FROM (SELECT purchase_history(ordered_on, amount) AS h FROM log GROUP BY customer_id) AS x
) AS y;
SELECT bool_and(h || g = g || h) AS commutes FROM (
	SELECT purchase_history(ordered_on, amount) FILTER (WHERE customer_id < 3) AS h,
		purchase_history(ordered_on, amount) FILTER (WHERE customer_id >= 3) AS g FROM log) AS x;
SELECT NULL::purchase_history || h = h AS nothing_changes FROM histories LIMIT 1;
-- (of an empty history, too)
SELECT NULL::purchase_history || h AS empty FROM (VALUES ('{"orders": []}'::purchase_history)) AS v (h);

-- Accessors agree with plain SQL over the rows.
SELECT count(*) AS customers, count(*) FILTER (WHERE
	order_count(h) = orders AND transaction_count(h) = days AND first_order_on(h) = first AND
	last_order_on(h) = last AND abs(total_spend(h) - spend::float8) < 1e-9) AS agree
FROM (SELECT customer_id, purchase_history(ordered_on, amount) AS h, count(*) FILTER (WHERE amount >= 0) AS orders,
		count(DISTINCT ordered_on) FILTER (WHERE amount >= 0) AS days,
		min(ordered_on) FILTER (WHERE amount >= 0) AS first, max(ordered_on) FILTER (WHERE amount >= 0) AS last,
		sum(amount) AS spend
	FROM log GROUP BY customer_id) AS x;

-- Running totals, several aggregates over one state, and grouping sets leave the state alone.
SELECT i, order_count(purchase_history(d, a) OVER (ORDER BY i ROWS 1 PRECEDING)) AS last_two,
	total_spend(purchase_history(d, a) OVER (ORDER BY i)) AS so_far
FROM (VALUES (1, date '2026-01-03', 5.5), (2, '2026-01-01', 2), (3, '2026-01-02', 1)) AS v(i, d, a) ORDER BY i;
SELECT customer_id % 2 AS odd, customer_id, order_count(purchase_history(ordered_on, amount)) AS orders
FROM log WHERE customer_id < 4 GROUP BY GROUPING SETS ((customer_id % 2, customer_id), (customer_id % 2), ()) ORDER BY 1, 2;

-- On disk: 16 bytes and at most 12 an order, less where amounts allow.
SELECT pg_column_size(h) <= 16 + 12 * 3 AS fits, pg_column_size(h) FROM histories ORDER BY customer_id LIMIT 1;
SELECT max(pg_column_size(h)) FROM (
	SELECT purchase_history(timestamp '2026-01-01' + i * interval '9 days', 249.90) AS h FROM generate_series(1, 12) AS i) AS x;

-- A customer with 100,000 orders.
SELECT order_count(h), transaction_count(h), total_spend(h), h::text::purchase_history = h AS round_trip
FROM (SELECT purchase_history(date '1900-01-01' + i % 36500, (i % 1000)::float8 / 8) AS h
	FROM generate_series(1, 100000) AS i) AS x;

-- Text is JSON and round-trips to the bit; binary too.
SELECT h = h::text::purchase_history AS text, h::jsonb -> 'orders' -> 0 AS first_order FROM histories ORDER BY customer_id;
SELECT a, h::text::purchase_history = h AS exact FROM (
	SELECT a, purchase_history(date '2026-01-01', a) AS h
	FROM (VALUES (0.1::float8), (1e300), (-1e-300), (5e-324), (123456789.0123456789), ('-0'), (-1e-320), (2.0::float8 ^ 53)) AS v(a) GROUP BY a) AS x ORDER BY a;
\copy (SELECT customer_id, h FROM histories) TO 'results/purchase_history.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (customer_id int, h purchase_history);
\copy copied FROM 'results/purchase_history.bin' WITH (FORMAT binary)
SELECT count(*) FROM histories JOIN copied USING (customer_id, h);

-- Equality, order and hash: DISTINCT, GROUP BY and indexes work.
SELECT count(*), count(DISTINCT h) FROM (SELECT h FROM histories UNION ALL SELECT h FROM histories) AS x;
CREATE INDEX ON histories (h);

-- Broken text is refused, by name.
\set VERBOSITY terse
SELECT ''::purchase_history;
\set VERBOSITY default
SELECT '[]'::purchase_history;
SELECT '{}'::purchase_history;
SELECT '{"orders": 1}'::purchase_history;
SELECT '{"orders": [], "more": 1}'::purchase_history;
SELECT '{"orders": [["2026-01-01"]]}'::purchase_history;
SELECT '{"orders": [["today", 1]]}'::purchase_history;
SELECT '{"orders": [["infinity", 1]]}'::purchase_history;
SELECT '{"orders": [["01-02-2003", 1]]}'::purchase_history;
SELECT '{"orders": [[5, 1]]}'::purchase_history;
SELECT '{"orders": [["2026-01-01", "1"]]}'::purchase_history;
SELECT '{"orders": [["2026-01-01", 1e999]]}'::purchase_history;
SELECT '{"orders": []}'::purchase_history, total_spend('{"orders": []}'::purchase_history);

-- So are amounts and times that are none.
SELECT purchase_history(date '2026-01-01', 'NaN'::float8);
SELECT purchase_history(date '2026-01-01', 'NaN'::numeric);
SELECT purchase_history(date '2026-01-01', '-Infinity'::float8);
-- Too large for double precision is an error that names it; too small is zero, the nearest there is.
SELECT purchase_history(date '2026-01-01', -1e400);
SELECT purchase_history(date '2026-01-01', 1e308 * 2);
SELECT purchase_history(date '2026-01-01', amount) FROM (VALUES (1e-400), (-1e-400), (4e-324), (1e-300 * 1e-300), (10.10)) AS v(amount);
SELECT purchase_history(timestamp '-infinity', 1.0);
SELECT purchase_history(timestamptz 'infinity');
SELECT purchase_history(date '2026-01-01', 5::money);
SELECT recency_days(h, 'infinity') FROM histories;
SELECT days_to_nth_order(h, 0) FROM histories;

DROP TABLE orders, histories, log;
