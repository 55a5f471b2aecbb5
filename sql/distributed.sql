-- Tables that Citus distributes: what is generated for them, without Citus. Its catalog and its
-- functions are played by a table and three functions, and the shards by one server; that the
-- texts run on shards is for test/tap/031_citus.pl.

SET client_min_messages = warning;
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid integer);
CREATE FUNCTION pg_catalog.column_to_column_name(regclass, text) RETURNS text LANGUAGE sql STABLE RETURN $2;
CREATE FUNCTION pg_catalog.create_distributed_table(table_name regclass, distribution_column text, colocate_with text DEFAULT 'default')
RETURNS void LANGUAGE sql AS $$
	INSERT INTO pg_catalog.pg_dist_partition SELECT $1, 'h', $2,
		COALESCE((SELECT colocationid FROM pg_catalog.pg_dist_partition WHERE logicalrelid = to_regclass($3)), $1::oid::integer) $$;
CREATE FUNCTION pg_catalog.create_reference_table(regclass) RETURNS void LANGUAGE sql AS $$
	INSERT INTO pg_catalog.pg_dist_partition SELECT $1, 'n', NULL, 2 $$;
RESET allow_system_table_mods;
RESET client_min_messages;

CREATE SCHEMA "Shards";
SET search_path = "Shards", public;
CREATE TABLE "Shop Orders" ("Line" integer, "Order" integer, "Customer" integer, at timestamp, amount numeric(10,2), country text);
INSERT INTO "Shop Orders"
SELECT n, CASE WHEN n % 11 > 0 THEN n / 2 END, (n / 2 * 7919) % 300, timestamp '2024-01-01' + (n / 2 * 613 % 700) * interval '1 day', 5 + n % 37,
	CASE WHEN n % 3 = 0 THEN 'NO' ELSE 'SE' END
FROM generate_series(1, 1800) AS n;
CREATE TABLE local_orders AS SELECT * FROM "Shop Orders";
CREATE TABLE histories ("Customer" integer PRIMARY KEY, history purchase_history NOT NULL);
CREATE TABLE local_histories ("Customer" integer PRIMARY KEY, history purchase_history NOT NULL);
SELECT create_distributed_table('"Shop Orders"', 'Customer');
SELECT create_distributed_table('histories', 'Customer', colocate_with => '"Shop Orders"');

-- The queries: customers are not fenced off, the fit is.
SELECT customer_scores_query('"Shop Orders"', 'Customer', 'at', 'amount', model => 'bg/nbd', columns => ARRAY['order_count', 'segment', 'churn_prob']) AS query \gset
SELECT :'query' LIKE '%histories AS NOT MATERIALIZED%' AS open, :'query' LIKE '%fit AS MATERIALIZED%' AS fit_once,
	:'query' NOT LIKE '%OFFSET 0%' AS no_fence;
SELECT load_orders_query('histories', '"Shop Orders"', 'Customer', 'at', 'amount', since => '2025-01-01');
SELECT load_orders_query('histories', '"Shop Orders"', 'Customer', 'at', 'amount', order_id => 'Order', since => '2025-01-01', until => '2025-02-01');

-- Loads: the same counts and the same histories as on one server, whatever happens to the orders.
CREATE FUNCTION loads(window_since date, window_until date, by_line boolean) RETURNS TABLE (place text, customers bigint, orders_added bigint, orders_removed bigint, rows_skipped bigint)
LANGUAGE sql AS $$
	SELECT 'shards', * FROM load_orders('histories', '"Shop Orders"', 'Customer', 'at', 'amount', CASE WHEN by_line THEN 'Order' END, window_since, window_until)
	UNION ALL
	SELECT 'local', * FROM load_orders('local_histories', 'local_orders', 'Customer', 'at', 'amount', CASE WHEN by_line THEN 'Order' END, window_since, window_until) $$;
CREATE FUNCTION same_histories() RETURNS boolean LANGUAGE sql AS $$
	SELECT count(*) > 0 AND bool_and(a.history *= b.history) FROM (SELECT "Customer", ROW(history) AS history FROM histories) AS a
	FULL JOIN (SELECT "Customer", ROW(history) AS history FROM local_histories) AS b USING ("Customer") $$;
SELECT * FROM loads('-infinity', NULL, true); SELECT same_histories();
SELECT * FROM loads('2025-01-01', NULL, true);
DELETE FROM "Shop Orders" WHERE "Line" % 13 = 0; DELETE FROM local_orders WHERE "Line" % 13 = 0;
UPDATE "Shop Orders" SET amount = amount + 1 WHERE "Line" % 17 = 0; UPDATE local_orders SET amount = amount + 1 WHERE "Line" % 17 = 0;
UPDATE "Shop Orders" SET at = at - interval '40 days' WHERE "Line" % 19 = 0; UPDATE local_orders SET at = at - interval '40 days' WHERE "Line" % 19 = 0;
UPDATE "Shop Orders" SET amount = NULL WHERE "Line" % 23 = 0; UPDATE local_orders SET amount = NULL WHERE "Line" % 23 = 0;
SELECT * FROM loads('2025-01-01', '2025-06-01', true); SELECT same_histories();
SELECT * FROM loads('2024-06-01', NULL, true); SELECT same_histories();
DELETE FROM "Shop Orders" WHERE "Customer" % 29 = 0; DELETE FROM local_orders WHERE "Customer" % 29 = 0;
SELECT * FROM loads('2025-03-01', '2025-05-01', false); SELECT same_histories();
SELECT * FROM loads('-infinity', NULL, false); SELECT same_histories();

SET client_min_messages = error;
-- Scores: of orders, of lines, of histories; the same rows as on one server.
SELECT create_customer_scores('scores', '"Shop Orders"', 'Customer', 'at', 'amount', model => 'bg/nbd');
SELECT create_customer_scores('line_scores', '"Shop Orders"', 'Customer', 'at', 'amount', model => 'bg/nbd', order_id => 'Order', as_of => '2025-06-30');
SELECT create_customer_scores('history_scores', 'histories', 'Customer', model => 'bg/nbd');
SELECT create_customer_scores('local_scores', 'local_orders', 'Customer', 'at', 'amount', model => 'bg/nbd', storage => 'table');
SELECT create_customer_scores('local_line_scores', 'local_orders', 'Customer', 'at', 'amount', model => 'bg/nbd', order_id => 'Order', as_of => '2025-06-30', storage => 'table');
SELECT create_customer_scores('local_history_scores', 'local_histories', 'Customer', model => 'bg/nbd', storage => 'table');
CREATE FUNCTION differ(a regclass, b regclass) RETURNS TABLE (all_rows bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT count(*), count(*) FILTER (WHERE x IS NULL OR y IS NULL OR NOT x.r *= y.r)
		FROM (SELECT customer_id, ROW(a.*) AS r FROM %s AS a) AS x FULL JOIN (SELECT customer_id, ROW(b.*) AS r FROM %s AS b) AS y USING (customer_id)', a, b);
END $$;
SELECT 'orders' AS of, d.* FROM differ('scores', 'local_scores') AS d UNION ALL
SELECT 'lines', d.* FROM differ('line_scores', 'local_line_scores') AS d UNION ALL
SELECT 'histories', d.* FROM differ('history_scores', 'local_history_scores') AS d;
SELECT a.model = b.model AS model, a.fit_status, a.customers, a.as_of = b.as_of AS as_of, a.warnings FROM scores_model AS a, local_scores_model AS b;

-- What stands where.
SELECT logicalrelid, partmethod, partkey, colocationid = '"Shop Orders"'::regclass::oid::integer AS with_orders
FROM pg_dist_partition WHERE logicalrelid::text LIKE '%scores%' ORDER BY logicalrelid::text COLLATE "C";
SELECT c.relname, c.relkind, obj_description(c.oid) AS comment FROM pg_class AS c
WHERE c.relnamespace = '"Shards"'::regnamespace AND c.relname LIKE 'scores%' AND c.relkind <> 'i' ORDER BY c.relname COLLATE "C";
SELECT pg_get_viewdef('scores_input') LIKE '%histories AS NOT MATERIALIZED%' AS input;

-- A refresh fits again and writes another generation.
DELETE FROM "Shop Orders" WHERE "Line" % 31 = 0; DELETE FROM local_orders WHERE "Line" % 31 = 0;
CALL refresh_customer_scores('scores'); CALL refresh_customer_scores('local_scores');
SELECT * FROM differ('scores', 'local_scores');
CALL refresh_customer_scores('scores'); CALL refresh_customer_scores('local_scores');
SELECT d.*, (SELECT count(*) FROM scores_model) AS fits FROM differ('scores', 'local_scores') AS d;
SELECT count(*) AS generations FROM pg_class WHERE relname LIKE 'scores\_generation\__';

-- The schema may be renamed.
ALTER SCHEMA "Shards" RENAME TO renamed;
SET search_path = renamed, public;
DELETE FROM "Shop Orders" WHERE "Line" % 29 = 0; DELETE FROM local_orders WHERE "Line" % 29 = 0;
CALL refresh_customer_scores('scores'); CALL refresh_customer_scores('local_scores');
SELECT * FROM differ('scores', 'local_scores');
ALTER SCHEMA renamed RENAME TO "Shards";
SET search_path = "Shards", public;

-- A kept model and kept cut points; columns of choice.
SELECT create_customer_scores('kept_scores', '"Shop Orders"', 'Customer', 'at', 'amount', model => (SELECT model FROM scores_fit),
	cuts => (SELECT cuts FROM scores_fit), columns => ARRAY['rfm_score', 'churn_prob']);
SELECT count(*) AS all_rows, count(*) FILTER (WHERE k.rfm_score <> s.rfm_score OR k.churn_prob <> s.churn_prob) AS differ
FROM kept_scores AS k JOIN scores AS s USING (customer_id);
SELECT create_customer_scores('few_columns', '"Shop Orders"', 'Customer', 'at', model => 'bg/nbd', columns => ARRAY['churn_prob']);

-- Where customers do not stay on one shard, the scores are made as ever, and say so.
RESET client_min_messages;
SELECT create_customer_scores('by_country', '"Shop Orders"', 'Customer', 'at', 'amount', model => (SELECT model FROM scores_fit), group_by => ARRAY['country'], storage => 'table');
UPDATE pg_dist_partition SET partkey = 'country' WHERE logicalrelid = '"Shop Orders"'::regclass;
SELECT create_customer_scores('other_column', '"Shop Orders"', 'Customer', 'at', 'amount', model => (SELECT model FROM scores_fit), storage => 'table');
UPDATE pg_dist_partition SET partkey = 'Customer' WHERE logicalrelid = '"Shop Orders"'::regclass;
-- The text is written beside workers of a statement that makes a table, too.
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE TABLE texts AS SELECT (SELECT customer_scores_query('"Shop Orders"', 'Customer', 'at', 'amount')) AS scores,
	(SELECT load_orders_query('local_histories', '"Shop Orders"', 'Customer', 'at', 'amount', since => '2025-01-01')) AS load
FROM (SELECT count(*) AS n FROM local_orders OFFSET 0) AS gathered WHERE n > 0;
SELECT scores = customer_scores_query('"Shop Orders"', 'Customer', 'at', 'amount') AS same_scores FROM texts;
ROLLBACK;

SET client_min_messages = error;
-- Replaced and dropped, nothing is left; a user's table is not taken for one of these.
SELECT create_customer_scores('scores', '"Shop Orders"', 'Customer', 'at', 'amount', model => 'bg/nbd', replace => true);
SELECT create_customer_scores('scores', 'local_orders', 'Customer', 'at', 'amount', model => 'bg/nbd', replace => true);
SELECT count(*) AS left_over FROM pg_class WHERE relname ~ '^scores_(fit|fit_query|histories|input|generation_.)$';
RESET client_min_messages;
CREATE TABLE mine_histories (n integer);
SELECT create_customer_scores('mine', '"Shop Orders"', 'Customer', 'at', model => 'bg/nbd');
DROP TABLE mine_histories;

SET client_min_messages = warning;
DROP SCHEMA "Shards" CASCADE;
RESET search_path;
SET allow_system_table_mods = on;
DROP TABLE pg_catalog.pg_dist_partition;
DROP FUNCTION pg_catalog.column_to_column_name, pg_catalog.create_distributed_table, pg_catalog.create_reference_table;
RESET allow_system_table_mods;
RESET client_min_messages;
