-- What is wrong with an orders table is said by whatever makes a report of it: what, how often,
-- and what to do about it.

SET datestyle = ISO;
\set SHOW_CONTEXT never
CREATE SCHEMA shop;
CREATE TABLE shop.log AS
SELECT customer_id, ordered_at, amount::numeric(12,2)
FROM simulate_orders(500, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
-- Scores of a query, with what they say, and nothing left behind.
CREATE FUNCTION pg_temp.scored(orders text, as_of date DEFAULT NULL, amount name DEFAULT 'amount', margin float8 DEFAULT 1, discount float8 DEFAULT 0.1)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE customers bigint; BEGIN
	EXECUTE 'CREATE VIEW shop.orders AS ' || orders;
	customers := create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', amount, as_of => as_of, margin => margin,
		annual_discount => discount, model => 'bg/nbd');
	DROP VIEW shop.scores_bi, shop.scores_model;
	DROP MATERIALIZED VIEW shop.scores;
	DROP VIEW shop.orders;
	RETURN customers;
END $$;
SET client_min_messages = notice;
CREATE FUNCTION pg_temp.quietly(statement text) RETURNS void LANGUAGE plpgsql SET client_min_messages = error AS $$ BEGIN EXECUTE statement; END $$;

-- Orders as they should be: nothing is said.
SELECT pg_temp.scored('SELECT * FROM shop.log');

-- Rows that are left out: without an amount, without a customer, without a day.
SELECT pg_temp.scored('SELECT customer_id, ordered_at, CASE WHEN customer_id % 10 > 0 THEN amount END AS amount FROM shop.log');
SELECT pg_temp.scored('SELECT customer_id, ordered_at, CASE WHEN customer_id % 10 > 0 THEN amount END AS amount FROM shop.log', amount => NULL);
SELECT pg_temp.scored('SELECT CASE WHEN customer_id > 100 THEN customer_id END AS customer_id, ordered_at, amount FROM shop.log');
SELECT pg_temp.scored($$SELECT customer_id, CASE WHEN customer_id % 10 > 0 THEN ordered_at END AS ordered_at, amount FROM shop.log$$, as_of => '2025-06-30');
-- Only those that as_of leaves in are counted.
SELECT pg_temp.scored($$SELECT customer_id, ordered_at, CASE WHEN ordered_at < '2025-12-31' THEN amount END AS amount FROM shop.log$$, as_of => '2025-06-30');

-- Lines of orders; a customer who orders twice a day now and then is no reason to say so.
SELECT pg_temp.scored('SELECT customer_id, ordered_at, amount / 3 AS amount FROM shop.log, generate_series(1, 3)');
SELECT pg_temp.scored('SELECT customer_id, ordered_at, amount FROM shop.log, generate_series(1, CASE WHEN customer_id % 10 = 6 THEN 2 ELSE 1 END)');

-- A till.
SELECT pg_temp.scored($$SELECT * FROM shop.log UNION ALL
	SELECT 1000, timestamp '2024-01-01' + i * interval '1 day', 10 FROM generate_series(0, 700) AS i$$);

-- Percentages where shares are asked for: also from who writes the query only.
SELECT pg_temp.scored('SELECT * FROM shop.log', margin => 40, discount => 10);
SELECT customer_scores_query('shop.log', 'customer_id', 'ordered_at', 'amount', margin => 40, annual_discount => 1) IS NOT NULL AS written;
SELECT customer_scores_query('shop.log', 'customer_id', 'ordered_at', 'amount', margin => 1, annual_discount => 0.99) IS NOT NULL AS written;

-- What no history can hold is an error that names a customer, in every type of day and amount.
SELECT pg_temp.scored('SELECT customer_id, ordered_at, CASE WHEN customer_id IN (77, 99) THEN ''NaN'' ELSE amount END AS amount FROM shop.log');
SELECT pg_temp.scored('SELECT customer_id, ordered_at::date, CASE WHEN customer_id = 78 THEN ''-Infinity'' ELSE amount::float8 END AS amount FROM shop.log');
SELECT pg_temp.scored('SELECT customer_id, ordered_at, CASE WHEN customer_id = 79 THEN 1e309 ELSE amount::numeric END AS amount FROM shop.log');
SELECT pg_temp.scored('SELECT customer_id, CASE WHEN customer_id = 80 THEN ''infinity'' ELSE ordered_at END AS ordered_at, amount FROM shop.log');
SELECT pg_temp.scored('SELECT customer_id, CASE WHEN customer_id = 81 THEN ''-infinity'' ELSE ordered_at::date END AS ordered_at, amount::float8 FROM shop.log', amount => NULL);
SELECT pg_temp.scored('SELECT customer_id, CASE WHEN customer_id = 82 THEN ''-infinity'' ELSE ordered_at::timestamptz END AS ordered_at, amount FROM shop.log', as_of => '2025-01-01');
SELECT pg_temp.scored($$SELECT customer_id::text, ordered_at, amount FROM shop.log UNION ALL
	SELECT 'the till', timestamp '2024-01-01' + i % 700 * interval '1 day', 10 FROM generate_series(1, 1000001) AS i$$);
-- Rows that are left out harm nobody.
SELECT pg_temp.scored('SELECT customer_id, CASE WHEN customer_id = 80 THEN ''infinity'' ELSE ordered_at END AS ordered_at,
	CASE WHEN customer_id <> 80 THEN amount END AS amount FROM shop.log');

-- Reports may ask the clock, with a day for sessions in other time zones: what is yet to come cannot be there.
\set VERBOSITY terse
SELECT pg_temp.quietly('CREATE TABLE shop.today AS SELECT customer_id, ordered_at::date + (current_date + 1 - date ''2025-12-31'') AS ordered_at, amount FROM shop.log');
SELECT pg_temp.scored('SELECT * FROM shop.today');
SELECT pg_temp.scored('SELECT customer_id, ordered_at, amount FROM shop.log', as_of => '9999-12-31');
SELECT pg_temp.scored($$SELECT * FROM shop.log UNION ALL SELECT customer_id, '2999-12-31', amount FROM shop.log WHERE customer_id <= 2$$);
SELECT pg_temp.scored($$SELECT * FROM shop.log UNION ALL SELECT customer_id, '2999-12-31', amount FROM shop.log WHERE customer_id <= 2$$, as_of => '2025-12-31');

-- What as_of leaves out is meant to be left out, unless it is most of it; nobody, and no model, are said, too.
\set VERBOSITY default
SELECT pg_temp.scored('SELECT * FROM shop.log', as_of => '2025-06-30');
SELECT pg_temp.scored('SELECT * FROM shop.log', as_of => '2024-01-20');
SELECT pg_temp.scored('SELECT * FROM shop.log', as_of => '2023-06-30');
SELECT pg_temp.scored('SELECT * FROM shop.log WHERE false');
SELECT pg_temp.quietly('CREATE TABLE shop.histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM shop.log GROUP BY 1');
SELECT create_customer_scores('shop.of_histories', 'shop.histories', 'customer_id', as_of => '2024-01-20');
SELECT pg_temp.quietly('CREATE VIEW shop.small AS SELECT *, customer_id <= 5 AS small FROM shop.log');
SELECT create_customer_scores('shop.of_groups', 'shop.small', 'customer_id', 'ordered_at', 'amount', group_by => '{small}', model => 'bg/nbd');

-- What no history can hold is named later, too: by a refresh, by a load, and wherever histories are made of groups.
CREATE FUNCTION pg_temp.context(statement text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE said text; hidden text; BEGIN
	EXECUTE statement; RETURN 'no error';
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, hidden = PG_EXCEPTION_CONTEXT;
	RETURN regexp_replace(said, '"(340{10})0*"', '"\1…"') || ': ' || coalesce(substring(hidden from '(group \(.*?)\n'), 'no group'); END $$;
SELECT pg_temp.quietly($$CREATE TABLE shop.late AS SELECT customer_id, ordered_at::timestamp, amount::numeric, row_number() OVER () / 2 AS order_id FROM shop.log;
	CREATE UNIQUE INDEX ON shop.histories (customer_id);
	SELECT create_customer_scores('shop.of_rows', 'shop.late', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
	SELECT create_customer_scores('shop.of_lines', 'shop.late', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', model => 'bg/nbd')$$);
CREATE FUNCTION pg_temp.contexts(customer int, at timestamp, amount numeric, order_id int, lines int DEFAULT 1) RETURNS TABLE (of text, context text) LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO shop.late SELECT customer, at, contexts.amount, contexts.order_id FROM generate_series(1, lines);
	RETURN QUERY SELECT v.of, pg_temp.context(v.statement) FROM (VALUES ('rows', 'REFRESH MATERIALIZED VIEW shop.of_rows'), ('lines', 'REFRESH MATERIALIZED VIEW shop.of_lines'),
		('load', $s$SELECT load_orders('shop.histories', 'shop.late', 'customer_id', 'ordered_at', 'amount', since => '2024-01-01')$s$),
		('load of lines', $s$SELECT load_orders('shop.histories', 'shop.late', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2024-01-01')$s$),
		('a query', 'SELECT customer_id, purchase_history(ordered_at, late.amount) FROM shop.late GROUP BY customer_id'),
		('all together', 'SELECT purchase_history(ordered_at, late.amount) FROM shop.late'),
		('sorted', 'SELECT customer_id, purchase_history(ordered_at, late.amount ORDER BY ordered_at) FROM shop.late GROUP BY customer_id')) AS v(of, statement);
	DELETE FROM shop.late WHERE late.customer_id = customer;
END $$;
SET max_parallel_workers_per_gather = 0;
SELECT of, regexp_replace(context, 'group.*\D(-?[0-9]{5})\D.*', 'group \1') AS context FROM pg_temp.contexts(70001, '2025-01-01', 'NaN', 999999);
SELECT of, regexp_replace(context, 'group.*\D(-?[0-9]{5})\D.*', 'group \1') AS context FROM pg_temp.contexts(70002, 'infinity', 1, 999999);
SELECT of, regexp_replace(context, 'group.*\D(-?[0-9]{5})\D.*', 'group \1') AS context FROM pg_temp.contexts(70003, '2025-01-01', 1.7e308, 999999, 2);
RESET max_parallel_workers_per_gather;

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;

SET client_min_messages = notice;
\set VERBOSITY terse
-- Customers without an order that counts are not taken for tills, and have no days with orders.
CREATE TABLE orders_of_a_till AS
SELECT 'till' AS customer_id, date '2025-01-01' + i % 300 AS ordered_at, 5.0 AS amount FROM generate_series(1, 600) AS i
UNION ALL SELECT 'c' || i % 200, date '2025-01-01' + (i * 7) % 300, 5.0 FROM generate_series(1, 600) AS i
UNION ALL SELECT 'unpaid' || i, date '2025-03-01', NULL FROM generate_series(1, 30) AS i;
SELECT create_customer_scores('scores_of_a_till', 'orders_of_a_till', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
DROP MATERIALIZED VIEW scores_of_a_till CASCADE;
DROP TABLE orders_of_a_till;

-- Who has nothing but rows that count for nothing has no row, by whichever way the orders come; who has nothing but refunds has one.
SET client_min_messages = warning;
CREATE TABLE ways AS SELECT row_number() OVER () AS id, customer_id::int, ordered_at::date, amount::numeric(12,2), CASE WHEN customer_id % 2 = 0 THEN 'DK' ELSE 'NO' END AS country
FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
INSERT INTO ways SELECT 100000 + i, 1000 + i, '2025-03-01', NULL, 'DK' FROM generate_series(1, 10) AS i;
INSERT INTO ways SELECT 110000 + i, 2000 + i, NULL, 10, 'SE' FROM generate_series(1, 20) AS i;
INSERT INTO ways SELECT 120000 + i, 3000 + i, '2025-03-01', -10, 'NO' FROM generate_series(1, 5) AS i;
CREATE TABLE ways_grouped AS SELECT customer_id, country, purchase_history(ordered_at, amount) AS history FROM ways GROUP BY 1, 2;
CREATE TABLE ways_loaded (customer_id int PRIMARY KEY, history purchase_history);
SELECT customers FROM load_orders('ways_loaded', 'ways', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
CREATE TABLE ways_scored (way text, made bigint);
INSERT INTO ways_scored VALUES
	('rows', create_customer_scores('way_1', 'ways', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd')),
	('rows in parts', create_customer_scores('way_2', 'ways', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', workers => 2, storage => 'table')),
	('orders of rows', create_customer_scores('way_3', 'ways', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', order_id => 'id')),
	('groups of rows', create_customer_scores('way_4', 'ways', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', group_by => 'country')),
	('histories', create_customer_scores('way_5', 'ways_grouped', 'customer_id', model => 'bg/nbd')),
	('groups of histories', create_customer_scores('way_6', 'ways_grouped', 'customer_id', model => 'bg/nbd', group_by => 'country')),
	('histories that are loaded', create_customer_scores('way_7', 'ways_loaded', 'customer_id', model => 'bg/nbd')),
	('rows without amounts', create_customer_scores('way_8', 'ways', 'customer_id', 'ordered_at', model => 'bg/nbd'));
SELECT w.way, w.made, s.rows, s.refunded, s.groups
FROM ways_scored AS w JOIN (SELECT way, count(*) AS rows, count(*) FILTER (WHERE score_status = 'no_orders') AS refunded, count(DISTINCT country) AS groups
	FROM (SELECT 'rows' AS way, score_status, NULL AS country FROM way_1 UNION ALL SELECT 'rows in parts', score_status, NULL FROM way_2
		UNION ALL SELECT 'orders of rows', score_status, NULL FROM way_3 UNION ALL SELECT 'groups of rows', score_status, country FROM way_4
		UNION ALL SELECT 'histories', score_status, NULL FROM way_5 UNION ALL SELECT 'groups of histories', score_status, country FROM way_6
		UNION ALL SELECT 'histories that are loaded', score_status, NULL FROM way_7
		UNION ALL SELECT 'rows without amounts', score_status, NULL FROM way_8) AS u GROUP BY way) AS s USING (way) ORDER BY way COLLATE "C";
DROP MATERIALIZED VIEW way_1, way_3, way_4, way_5, way_6, way_7, way_8 CASCADE;
DROP VIEW way_2, way_2_query;
DROP TABLE ways, ways_grouped, ways_loaded, ways_scored, way_2_generation_1, way_2_model;
SET client_min_messages = notice;

-- A group that has the model of all says what is wrong with that, and with the days it rests on: one wrong year reaches all such groups.
SET client_min_messages = error;
CREATE TABLE wrong_year AS SELECT customer_id::int, ordered_at::date, amount::numeric(12,2), CASE WHEN customer_id > 280 THEN 'C' ELSE 'A' END AS country
FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
INSERT INTO wrong_year VALUES (1001, '2030-01-01', 10, 'D');
SELECT create_customer_scores('wrong_year_scores', 'wrong_year', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', group_by => 'country', columns => 'churn_prob');
SELECT country, model_name, fit_status, as_of, warnings FROM wrong_year_scores_model ORDER BY country;
-- So it is where the model of all rests on few.
DELETE FROM wrong_year WHERE country = 'A' AND customer_id > 20;
REFRESH MATERIALIZED VIEW wrong_year_scores;
SELECT country, model_name, fit_status, as_of, warnings FROM wrong_year_scores_model ORDER BY country;
DROP MATERIALIZED VIEW wrong_year_scores CASCADE;
DROP TABLE wrong_year;
SET client_min_messages = notice;

-- One order out of all proportion decides what all customers are worth, and is named.
CREATE TABLE one_huge AS SELECT customer_id, ordered_at, round(amount::numeric, 2) AS amount
FROM simulate_orders(150, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	since => '2024-01-01', until => '2026-01-01', seed => 1);
INSERT INTO one_huge VALUES (1, '2025-12-29', 1e14);
SET client_min_messages = notice;
SELECT create_customer_scores('one_huge_scores', 'one_huge', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', columns => '{customer_id}');

-- Ids that several customers have, and customers of whom frequency tells nothing.
SET client_min_messages = notice;
CREATE TABLE shared_ids AS SELECT c AS customer_id, date '2025-01-01' + (c * 7 + i * 40) % 360 AS ordered_at, 10 + c % 9 AS amount, c / 2 * 10 + i AS order_id
FROM generate_series(1, 120) AS c, generate_series(1, 3) AS i;
SELECT create_customer_scores('shared_scores', 'shared_ids', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', model => '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}}');
SELECT customer_count, f_score FROM (SELECT f_score, count(*) AS customer_count FROM shared_scores GROUP BY 1) AS x;
DROP MATERIALIZED VIEW shared_scores CASCADE;
DROP TABLE shared_ids;
-- An id is compared: its column is named where that cannot be.
CREATE TABLE json_ids AS SELECT 1 AS customer_id, date '2025-01-01' AS ordered_at, 5 AS amount, '{}'::json AS order_id;
SELECT create_customer_scores('json_scores', 'json_ids', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id');
SELECT create_customer_audit('json_audit', 'json_ids', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id');
DROP TABLE json_ids;

-- Amounts in a unit that two digits behind the point, or fifteen before it, do not show; also where there are too few customers for a model.
\set VERBOSITY terse
CREATE TABLE small_unit AS SELECT customer_id, ordered_at, amount * 1e-9 AS amount FROM one_huge WHERE amount < 1e9;
CREATE TABLE large_unit AS SELECT customer_id, ordered_at, amount * 1e20 AS amount FROM one_huge WHERE amount < 1e9;
SELECT create_customer_scores('small_scores', 'small_unit', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
SELECT create_customer_scores('large_scores', 'large_unit', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
CREATE TABLE large_amounts AS SELECT * FROM (VALUES (1, date '2024-01-01', 12345678901234.56), (2, '2024-01-01', 1e15), (3, '2024-01-01', 5)) AS v(customer_id, ordered_at, amount);
SELECT create_customer_scores('few_scores', 'large_amounts', 'customer_id', 'ordered_at', 'amount');
DROP TABLE small_unit, large_unit, large_amounts CASCADE;

-- Who gave order_id is not told to give it. A query that went with a column is named when scores are refreshed.
SET client_min_messages = notice;
\set VERBOSITY default
CREATE TABLE parcels AS SELECT i / 3 % 100 AS c, date '2025-01-01' + i / 3 AS d, 10.0 AS amount, i AS id FROM generate_series(0, 899) AS i;
SELECT create_customer_scores('parcel_scores', 'parcels', 'c', 'd', 'amount', model => 'bg/nbd', storage => 'table', order_id => 'id');
SET client_min_messages = warning;
ALTER TABLE parcels DROP COLUMN amount CASCADE;
CALL refresh_customer_scores('parcel_scores');
DROP VIEW parcel_scores CASCADE;
DROP TABLE parcel_scores_model, parcels CASCADE;

-- Statements that the extension writes are run without just-in-time compilation, which takes longer than they do and heeds no timeout; the session's setting stays.
SET jit = on;
SET jit_above_cost = 0;
CREATE TABLE jit_rows AS SELECT i % 40 AS c, date '2025-01-01' + i AS d, 10.0 + i % 7 AS amount FROM generate_series(0, 299) AS i;
CREATE VIEW jit_orders AS SELECT *, current_setting('jit') AS jit FROM jit_rows;
SET client_min_messages = error;
SELECT create_customer_scores('jit_scores', 'jit_orders', 'c', 'd', 'amount', model => 'bg/nbd', group_by => 'jit');
SELECT create_customer_scores('jit_table', 'jit_orders', 'c', 'd', 'amount', model => 'bg/nbd', group_by => 'jit', storage => 'table');
SELECT DISTINCT s.jit AS within, t.jit AS within_table, current_setting('jit') AS outside FROM jit_scores AS s, jit_table AS t;
SET client_min_messages = warning;
DROP MATERIALIZED VIEW jit_scores CASCADE;
DROP VIEW jit_table CASCADE;
DROP TABLE jit_rows, jit_table_model CASCADE;
RESET jit;
RESET jit_above_cost;
