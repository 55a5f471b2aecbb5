-- The data doctor: what is wrong with a relation of orders, how many rows, one of them, and
-- what to do about it.

SET datestyle = ISO;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA shop;
CREATE TABLE shop.log AS
SELECT row_number() OVER () AS order_id, customer_id, ordered_at::date + interval '8 hours' + row_number() OVER () * 7919 % 50000 * interval '1 second' AS ordered_at,
	amount::numeric(12,2)
FROM simulate_orders(2000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);

-- What check_orders says of the log, changed in some way.
CREATE FUNCTION pg_temp.checked(query text, as_of date DEFAULT '2025-12-31', amount name DEFAULT 'amount', order_id name DEFAULT 'order_id')
RETURNS TABLE (problem text, severity text, rows bigint, share numeric, example text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'CREATE VIEW shop.orders AS ' || query;
	RETURN QUERY SELECT c.check_name, c.severity, c.rows, round(c.share::numeric, 4), c.example
		FROM check_orders('shop.orders', 'customer_id', 'ordered_at', amount, order_id, as_of) AS c;
	DROP VIEW shop.orders;
END $$;

-- Of orders as they should be nothing is said, whatever the types of their columns.
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log', as_of => NULL);
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log', amount => NULL, order_id => NULL);
SELECT * FROM pg_temp.checked('SELECT ''order '' || order_id AS order_id, customer_id::text, ordered_at::date, amount::float8 FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, (''00000000-0000-0000-0000-'' || lpad(customer_id::text, 12, ''0''))::uuid AS customer_id, ordered_at::timestamptz, amount::int FROM shop.log WHERE amount >= 1');
SELECT * FROM check_orders('shop.log', 'customer_id', 'ordered_at');

-- Where every order has the same amount nothing correlates with it but the rounding of means.
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, 9.99 AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, 0.1::float8 AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, (100 + count(*) OVER (PARTITION BY customer_id) / 100.0)::numeric(12,2) AS amount FROM shop.log');

-- error: no scores can be made of such rows.
SELECT * FROM pg_temp.checked('SELECT order_id, NULL::bigint AS customer_id, ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 1000 = 1 THEN ''infinity'' WHEN order_id % 1000 = 2 THEN ''-infinity'' ELSE ordered_at END AS ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id = 7 THEN ''infinity'' ELSE ordered_at::date END AS ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE order_id WHEN 7 THEN ''NaN'' WHEN 8 THEN ''Infinity'' WHEN 9 THEN 1e309 WHEN 10 THEN -1e400 ELSE amount::numeric END AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id = 7 THEN ''-Infinity'' ELSE amount::float8 END AS amount FROM shop.log');

-- warn: scores would be wrong without a word.
SELECT * FROM pg_temp.checked('SELECT order_id, CASE WHEN customer_id > 100 THEN customer_id END AS customer_id, ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 100 > 0 THEN ordered_at END AS ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id % 100 > 0 THEN amount END AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 1000 = 5 THEN ordered_at + interval ''1000 years'' ELSE ordered_at END AS ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 1000 = 5 THEN ''2025-12-31'' ELSE least(ordered_at, ''2025-12-30'') END AS ordered_at, amount FROM shop.log', '2025-12-30');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 1000 = 5 THEN ''1900-01-01'' ELSE ordered_at END AS ordered_at, amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id - (order_id % 1000 = 1)::int AS order_id, customer_id, ordered_at, amount FROM shop.log WHERE order_id > 1');
SELECT * FROM pg_temp.checked('SELECT ''A-'' || order_id / 2 * 2 AS order_id, customer_id, ordered_at, amount FROM shop.log WHERE order_id < 5000');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT order_id + 1000000, customer_id, ordered_at, amount FROM shop.log WHERE order_id % 500 = 0');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT order_id, customer_id, ordered_at, amount FROM shop.log WHERE order_id % 500 = 0');
-- Lines of orders, by their day and by their very time.
SELECT * FROM pg_temp.checked('SELECT order_id * 3 + i AS order_id, customer_id, ordered_at, (amount * i / 6)::numeric(12,2) AS amount FROM shop.log, generate_series(1, 3) AS i');
SELECT * FROM pg_temp.checked('SELECT order_id * 2 + i AS order_id, customer_id, ordered_at, (amount * i / 3)::numeric(12,2) AS amount FROM shop.log, generate_series(1, CASE WHEN order_id % 10 = 0 THEN 2 ELSE 1 END) AS i');
-- Tills, one and two.
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + i, 1000000, timestamp ''2024-01-02 09:00'' + i * interval ''1 day'', 10 + i FROM generate_series(0, 700) AS i');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + i, 1000000 + i % 2, timestamp ''2024-01-02 09:00'' + i / 2 * interval ''1 day'', 10 + i % 100 FROM generate_series(0, 1400) AS i');
-- Ids that are made for each order.
SELECT * FROM pg_temp.checked('SELECT order_id, ''guest '' || order_id AS customer_id, ordered_at, amount FROM shop.log');
-- Amounts of another size, and of another currency.
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id % 2000 = 3 THEN 1000000 + order_id ELSE amount END AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN customer_id % 3 = 0 THEN 100 * amount ELSE amount END AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id % 10 = 0 THEN 160 * amount ELSE amount END AS amount FROM shop.log', amount => 'amount');
-- Groups are named by amounts as they are, also where all of one group are the same.
SELECT low, high, example FROM (VALUES (1, 20), (9.99, 99.9), (99, 990), (0.5, 1e6)) AS v(low, high), LATERAL pg_temp.checked(format('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id %% 2 = 0 THEN %s ELSE %s END AS amount FROM shop.log', low, high))
WHERE problem = 'two_currencies';
-- Refunds: too many, and of what was never bought. One on the day of the order is one of it.
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, amount FROM shop.log UNION ALL SELECT order_id + 1000000, customer_id, ordered_at, -amount FROM shop.log WHERE order_id % 3 = 0');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + customer_id, customer_id, min(ordered_at) - interval ''3 days'', -9 FROM shop.log WHERE customer_id % 100 = 50 GROUP BY customer_id');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + customer_id, customer_id, min(ordered_at)::date, -9 FROM shop.log WHERE customer_id % 100 = 50 GROUP BY customer_id
	UNION ALL SELECT 2000000, 2000000, ''2025-01-01'', -5');
-- Days: some lost, the last one half loaded, one on which customers came from elsewhere. Closed Sundays are none of them.
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log WHERE ordered_at::date NOT BETWEEN ''2024-03-10'' AND ''2024-03-14''');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log WHERE extract(isodow FROM ordered_at) < 7', '2025-12-31');
CREATE TABLE shop.busy AS SELECT row_number() OVER () AS order_id, customer_id, ordered_at::timestamp, amount::numeric(12,2)
FROM simulate_orders(20000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
SELECT * FROM pg_temp.checked('SELECT * FROM shop.busy WHERE ordered_at < ''2024-12-31'' OR order_id % 7 = 0', '2024-12-31');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.busy WHERE ordered_at < ''2024-12-31'' OR order_id % 7 > 0', '2024-12-31');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + i, 1000000 + i, timestamp ''2025-03-01 12:00'' + i * interval ''1 second'', 20 + i % 30 FROM generate_series(1, 400) AS i');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, CASE WHEN order_id % 3 = 0 THEN ordered_at::date + interval ''23 hours 15 minutes'' ELSE ordered_at END AS ordered_at, amount FROM shop.log');
-- Today is not over, unless as_of says that it is.
SELECT problem, severity FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at + (current_date - (SELECT max(ordered_at)::date FROM shop.log)) * interval ''1 day'' AS ordered_at, amount FROM shop.log', NULL);
-- Too few to tell.
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log WHERE customer_id <= 80');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log WHERE customer_id <= 40');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log WHERE false');

-- info: to know when reading scores.
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT order_id + 1000000, customer_id, ordered_at + interval ''1 minute'', amount FROM shop.log WHERE order_id % 20 = 0');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, CASE WHEN order_id % 500 = 0 THEN 0 ELSE amount END AS amount FROM shop.log');
SELECT * FROM pg_temp.checked('SELECT * FROM shop.log UNION ALL SELECT 1000000 + i, 1000000 + i, timestamp ''2024-01-01 12:00'' + i % 730 * interval ''1 day'', 20 + i % 30 FROM generate_series(1, 6000) AS i');
SELECT * FROM pg_temp.checked('SELECT order_id, customer_id, ordered_at, (amount * sqrt(count(*) OVER (PARTITION BY customer_id)))::numeric(12,2) AS amount FROM shop.log');

-- Every check says what to do, in a sentence.
SELECT bool_and(fix ~ '^[A-Z].{30,}\.$') AS sentences, count(*) FROM (
	SELECT c.fix FROM check_orders('shop.log', 'amount', 'ordered_at', 'customer_id', 'amount', '2024-06-01') AS c) AS x;

-- Any relation that can be read: partitioned tables, materialized views; in any schema, with any names.
CREATE TABLE shop."Order ""Log""" ("Customer" bigint, "When" timestamptz, "How much" real) PARTITION BY RANGE ("When");
CREATE TABLE shop.part1 PARTITION OF shop."Order ""Log""" FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE shop.part2 PARTITION OF shop."Order ""Log""" DEFAULT;
INSERT INTO shop."Order ""Log""" SELECT customer_id, ordered_at, CASE WHEN order_id % 1000 = 0 THEN 0 ELSE amount END FROM shop.log;
SELECT c.check_name, c.rows FROM check_orders('shop."Order ""Log"""', 'Customer', 'When', 'How much') AS c;
CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop."Order ""Log""";
SELECT c.check_name, c.rows FROM check_orders('shop.kept', 'Customer', 'When', 'How much') AS c;
-- A foreign table, where the server has files as such; the same rows in a plain one where not.
DO $$
BEGIN
	CREATE EXTENSION file_fdw SCHEMA shop;
	CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
	CREATE FOREIGN TABLE shop.from_afar (c text, d date, a numeric) SERVER files OPTIONS (program 'echo a,2024-01-01,10; echo b,2024-01-02,20; echo b,,20; echo ,2024-01-02,20', format 'csv');
EXCEPTION WHEN undefined_file OR feature_not_supported THEN
	CREATE TABLE shop.from_afar AS SELECT * FROM (VALUES ('a', date '2024-01-01', 10::numeric), ('b', '2024-01-02', 20), ('b', NULL, 20), (NULL, '2024-01-02', 20)) AS v(c, d, a);
END $$;
SELECT c.check_name, c.rows, c.example FROM check_orders('shop.from_afar', 'c', 'd', 'a', as_of => '2024-06-01') AS c;

-- More orders than a history holds: of a customer whose id is longer than an example is. A row with two defects has both.
CREATE VIEW shop.endless AS SELECT repeat('é', 60) || 'till' AS customer, date '2024-01-01' + i % 366 AS day, 1 + i % 7 AS amount FROM generate_series(1, 1000001) AS i;
SELECT c.check_name, c.severity, c.rows, c.example FROM check_orders('shop.endless', 'customer', 'day', 'amount', as_of => '2025-01-01') AS c WHERE c.severity = 'error';
CREATE TABLE shop.twice_bad AS SELECT * FROM (VALUES (1, 'infinity'::timestamp, 'NaN'::float8), (2, '-infinity', NULL), (3, NULL, 'Infinity'), (4, NULL, NULL), (5, '2024-01-01', 1)) AS v(c, d, a);
SELECT c.check_name, c.rows, c.example FROM check_orders('shop.twice_bad', 'c', 'd', 'a', as_of => '2024-06-01') AS c;

-- With the caller's rights: a relation that may not be read is an error among the rows; columns are enough.
CREATE ROLE check_orders_reader;
GRANT USAGE ON SCHEMA shop TO check_orders_reader;
GRANT SELECT (customer_id, ordered_at) ON shop.log TO check_orders_reader;
SET ROLE check_orders_reader;
SELECT c.check_name, c.severity, c.rows, c.share, c.example, c.fix FROM check_orders('shop.log', 'customer_id', 'ordered_at', 'amount') AS c;
SELECT * FROM check_orders('shop.log', 'customer_id', 'ordered_at');
RESET ROLE;
ALTER TABLE shop.log ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON shop.log TO check_orders_reader USING (customer_id <= 1000);
SET ROLE check_orders_reader;
SELECT c.check_name, c.severity, c.fix FROM check_orders('shop.log', 'customer_id', 'ordered_at') AS c;
RESET ROLE;
DROP OWNED BY check_orders_reader;
DROP ROLE check_orders_reader;
ALTER TABLE shop.log DISABLE ROW LEVEL SECURITY;

-- Wrong arguments are errors that say what is allowed.
SELECT * FROM check_orders(NULL, 'customer_id', 'ordered_at');
SELECT * FROM check_orders('shop.log', NULL, 'ordered_at');
SELECT * FROM check_orders('shop.log', 'customer', 'ordered_at');
SELECT * FROM check_orders('shop.log', 'customer_id', 'amount');
SELECT * FROM check_orders('shop.log', 'customer_id', 'ordered_at', 'ordered_at');
SELECT * FROM check_orders('shop.log', 'customer_id', 'ordered_at', as_of => 'infinity');
CREATE SEQUENCE shop.numbers;
SELECT * FROM check_orders('shop.numbers', 'last_value', 'log_cnt');
CREATE VIEW shop.unsortable AS SELECT json_build_array(customer_id) AS customer_id, ordered_at FROM shop.log;
SELECT * FROM check_orders('shop.unsortable', 'customer_id', 'ordered_at');

DROP SCHEMA shop CASCADE;
