-- Scores of histories, of order lines, by several columns, in groups, with what is kept, in a table.

SET datestyle = ISO;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders AS
SELECT customer_id, ordered_at, amount::numeric(12,2), (ARRAY['NO', 'SE', NULL])[1 + customer_id % 3] AS country,
	1 + customer_id % 2 AS shop_id, row_number() OVER () AS order_id
FROM simulate_orders(1500, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
UPDATE shop.orders SET country = 'FI' WHERE customer_id <= 40;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');

-- Every column has its comment in the plain view, too, which information_schema knows.
SELECT count(*) = 26 AS all_columns, bool_and(col_description('shop.scores_bi'::regclass, ordinal_position::int) IS NOT NULL) AS all_commented
FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'scores_bi';
SELECT count(*) FROM (TABLE shop.scores_bi EXCEPT SELECT * FROM shop.scores_bi NATURAL JOIN (SELECT customer_id FROM shop.scores) AS s) AS x;

-- What was fitted stands beside it, and follows refreshes.
SELECT model_name, model = (SELECT clv_fit(customer_base(h), 'bg/nbd') FROM (SELECT purchase_history(ordered_at, amount) AS h FROM shop.orders GROUP BY customer_id) AS x)
	AS as_fitted, converged, identified, customers, fit_status, warnings, as_of, refreshed_at > now() - interval '1 hour' AS just_now FROM shop.scores_model;
SELECT refreshed_at FROM shop.scores_model \gset
REFRESH MATERIALIZED VIEW CONCURRENTLY shop.scores;
SELECT count(*), min(refreshed_at) > :'refreshed_at' AS later FROM shop.scores_model;

-- Lines of orders, and histories with one row each or more, give the same as whole orders.
CREATE TABLE shop.lines AS SELECT order_id, customer_id, ordered_at + n * interval '1 hour' AS ordered_at, amount / 2 AS amount
FROM shop.orders, generate_series(0, 1) AS n;
CREATE TABLE shop.histories AS SELECT customer_id AS who, shop_id, purchase_history(ordered_at, amount) AS history FROM shop.orders GROUP BY 1, 2;
INSERT INTO shop.histories VALUES (NULL, 1, (SELECT history FROM shop.histories LIMIT 1)), (7777777, 1, '{"orders": []}');
CREATE VIEW shop.parts AS SELECT who, history_until(history, '2025-01-31') AS h FROM shop.histories
UNION ALL SELECT who, history - history_until(history, '2025-01-31') FROM shop.histories;
CREATE FUNCTION pg_temp.same(query text, OUT rows bigint, OUT differ bigint) LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE 'CREATE TEMP TABLE q AS ' || query;
	SELECT count(*) INTO rows FROM q;
	SELECT count(*) INTO differ FROM q NATURAL JOIN (SELECT customer_id, clv_365d AS clv, order_count AS orders, segment AS s FROM pg_temp.want) AS w
	WHERE NOT (clv_365d = clv AND order_count = orders AND segment = s);
	differ := differ + (SELECT count(*) FROM q FULL JOIN pg_temp.want USING (customer_id) WHERE q.order_count IS NULL OR want.order_count IS NULL);
	DROP TABLE q;
END $$;
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', as_of => '2025-06-30') AS query \gset
CREATE TEMP TABLE want AS :query;
SELECT * FROM pg_temp.same(customer_scores_query('shop.histories', 'who', model => 'bg/nbd', as_of => date '2025-06-30'));
CREATE UNIQUE INDEX ON shop.histories (who);
SELECT customer_scores_query('shop.histories', 'who', model => 'bg/nbd') !~ 'rollup' AS one_row_each;
SELECT * FROM pg_temp.same(customer_scores_query('shop.histories', 'who', model => 'bg/nbd', as_of => '2025-06-30'));
SELECT * FROM pg_temp.same(customer_scores_query('shop.parts', 'who', model => 'bg/nbd', as_of => '2025-06-30'));
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd') AS query \gset
DROP TABLE pg_temp.want;
CREATE TEMP TABLE want AS :query;
SELECT * FROM pg_temp.same(customer_scores_query('shop.lines', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', model => 'bg/nbd'));
INSERT INTO shop.lines VALUES (NULL, 1, '2025-01-01', 10), (NULL, 1, '2025-01-01', 10);
SELECT customer_scores_query('shop.lines', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', columns => '{order_count}') AS query \gset
SELECT q.order_count - count(DISTINCT o.order_id) AS without_id FROM (:query) AS q JOIN shop.orders AS o USING (customer_id) WHERE customer_id = 1 GROUP BY q.order_count;

-- A customer may be known by several columns.
SELECT create_customer_scores('shop.keys', 'shop.orders', ARRAY['shop_id', 'customer_id'], 'ordered_at', 'amount', columns => ARRAY['segment', 'clv_365d'], model => 'bg/nbd');
SELECT count(*), count(DISTINCT (shop_id, customer_id)) FROM shop.keys;
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'shop.keys_bi'::regclass AND attnum > 0 ORDER BY attnum;

-- A model for each group, also for that of NULL; one that is too small takes that of all, and says so.
SELECT create_customer_scores('shop.by_country', 'shop.orders', 'customer_id', 'ordered_at', 'amount', group_by => ARRAY['country'], model => 'bg/nbd');
SELECT country, customers, fit_status, warnings, as_of FROM shop.by_country_model ORDER BY country;
SELECT m.country, m.model = clv_fit(base, 'bg/nbd') AS its_own, m.model = (SELECT model FROM shop.scores_model) AS that_of_all
FROM shop.by_country_model AS m, LATERAL (SELECT customer_base(h) AS base FROM (SELECT purchase_history(ordered_at, amount) AS h
	FROM shop.orders AS o WHERE o.country IS NOT DISTINCT FROM m.country GROUP BY customer_id) AS x) AS b ORDER BY country;
SELECT country, count(*), count(DISTINCT fit_status) AS statuses, min(fit_status) AS fit_status, min(as_of) AS as_of FROM shop.by_country GROUP BY country ORDER BY country;
SELECT count(*) FROM shop.by_country AS s, LATERAL (SELECT rfm_cuts(recency_days, order_count, total_spend) AS cuts
	FROM shop.by_country AS t WHERE t.country = s.country) AS c
WHERE s.customer_id <= 60 AND s.rfm_score <> rfm_score(recency_days, order_count, total_spend, cuts);

-- What is kept is used: a model as a value or as its text, cut points, rules, and the day of the refresh.
SELECT create_customer_scores('shop.kept', 'shop.histories', 'who', model => (SELECT model FROM shop.scores_model), as_of => 'day of the refresh',
	cuts => (SELECT rfm_cuts(recency_days, order_count, total_spend, 10) FROM shop.scores), rules => (SELECT segment_rules('all customers', '[1,10]', '[1,10]', '[0,10]', 10)));
SELECT min(segment) AS segment, max(r_score) < 10 AS none_recent, bool_and(as_of = current_date) AS today, bool_and(rfm_score ~ '/10$') AS ten_levels FROM shop.kept;
-- Comments name the levels that are kept; replacing keeps comments of users, and these are none.
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'shop.kept'::regclass AND attname ~ '^[rfm]+_score$' ORDER BY attnum;
SET client_min_messages = notice;
SELECT create_customer_scores('shop.three', 'shop.histories', 'who', storage => 'table', model => (SELECT model FROM shop.scores_model),
	cuts => (SELECT rfm_cuts(recency_days, order_count, total_spend, 3) FROM shop.scores), rules => (SELECT segment_rules('VIP', '[3,3]', '[3,3]', '[3,3]', 3))) > 0 AS scored;
SELECT count(*) AS without_segment FROM shop.three WHERE segment IS NULL;
-- Of an order of two lines, one without an amount, the other counts: what is left out are lines.
CREATE TABLE shop.two_lines AS SELECT v.* FROM (VALUES (1, date '2025-01-01', 5.0, 1), (1, '2025-01-01', NULL, 1), (2, '2025-02-01', 7, 2)) AS v(customer_id, ordered_at, amount, order_id);
SELECT create_customer_scores('shop.few_lines', 'shop.two_lines', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', model => (SELECT model FROM shop.scores_model), columns => '{order_count,total_spend}');
SELECT customer_id, order_count, total_spend FROM shop.few_lines ORDER BY 1;
DROP TABLE shop.two_lines CASCADE;
SET client_min_messages = warning;
SELECT create_customer_scores('shop.three', 'shop.histories', 'who', storage => 'table', model => (SELECT model FROM shop.scores_model), replace => true) > 0 AS scored;
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'shop.three'::regclass AND attname ~ '^rfm_score$';
DROP VIEW shop.three CASCADE;
DROP TABLE IF EXISTS shop.three_generation_1, shop.three_generation_2, shop.three_model CASCADE;
SELECT m.model = s.model AS kept, m.as_of = current_date AS today FROM shop.kept_model AS m, shop.scores_model AS s;
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => m.model) =
	customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => m.model::text, as_of => 'last day observed') AS same FROM shop.scores_model AS m;

-- The last day is not looked for in all histories where there is an index on it.
CREATE INDEX last_days ON shop.histories (last_order_on(history));
SELECT customer_scores_query('shop.histories', 'who', model => m.model, cuts => (SELECT rfm_cuts(recency_days, order_count, total_spend) FROM shop.scores)) AS query FROM shop.scores_model AS m \gset
CREATE FUNCTION pg_temp.plan_names(query text, name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF position(name IN line) > 0 THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT pg_temp.plan_names(:'query', 'last_days') AS from_index;
DROP INDEX shop.last_days;
SELECT pg_temp.plan_names(:'query', 'last_days') AS from_index;

-- Intervals of the customer's own value cost much: they are there if asked for.
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', as_of => '2025-06-30', columns => '{*,clv_low,clv_high}') AS query \gset
SELECT count(clv_low), bool_and(clv_low <= clv_high) AS in_order FROM (SELECT * FROM (:query) AS q LIMIT 50) AS x;

-- A table behind a view. The table is what changes; the view, and what rests on it, stay.
SELECT create_customer_scores('shop.stored', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table');
CREATE VIEW shop.resting AS SELECT segment, count(*) AS customers FROM shop.stored GROUP BY segment;
CREATE INDEX ON shop.stored_generation_1 (segment);
ALTER TABLE shop.stored_generation_1 ALTER COLUMN segment SET STATISTICS 500;
ALTER VIEW shop.stored SET (security_barrier = true);
INSERT INTO shop.orders VALUES (5000, '2026-01-02', 10, 'NO', 1, 99999);
CALL refresh_customer_scores('shop.stored');
SELECT sum(customers) FROM shop.resting;
SELECT count(*), count(DISTINCT refreshed_at) AS times, max(as_of) FROM shop.stored_model;
SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^stored' ORDER BY relname COLLATE "C";
SELECT attname, attstattarget FROM pg_attribute WHERE attrelid = 'shop.stored_generation_2'::regclass AND attname IN ('clv_365d', 'segment') ORDER BY attname COLLATE "C";
CALL refresh_customer_scores('shop.stored');
SELECT refreshed_at FROM shop.scores_model \gset
CALL refresh_customer_scores('shop.scores');
-- A refresh by this call is kept, and what was before it; of those by REFRESH the last.
SELECT count(*), count(*) FILTER (WHERE refreshed_at = :'refreshed_at') AS before FROM shop.scores_model;
REFRESH MATERIALIZED VIEW CONCURRENTLY shop.scores;
REFRESH MATERIALIZED VIEW shop.scores;
SELECT count(*), count(DISTINCT refreshed_at) AS times, count(DISTINCT model) AS models FROM shop.scores_model;
CALL refresh_customer_scores('shop.scores');
SELECT count(*), count(DISTINCT refreshed_at) AS times FROM shop.scores_model;
SELECT obj_description('shop.scores_model'::regclass, 'pg_class'), obj_description('shop.scores_refreshes'::regclass, 'pg_class');
SELECT count(*) FROM shop.stored JOIN shop.scores USING (customer_id, clv_365d, segment, as_of);
SELECT current_setting('application_name') ~ 'scores:' AS left_behind;

-- Another definition takes the place of the old one; nothing else of the user's is replaced.
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', horizon_days => 90, replace => true);
SELECT sum(clv_90d) > 0 AS replaced FROM shop.scores;

-- One column is given by its name, several as an array of whatever type, or as the text of one.
SELECT count(DISTINCT query) AS queries FROM (VALUES
	(customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => 'country', columns => 'segment')),
	(customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => '{country}', columns => '{segment}')),
	(customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => 'country'::text, columns => 'segment'::varchar)),
	(customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => 'country'::name, columns => ARRAY['segment'])),
	(customer_scores_query('shop.orders', ARRAY['customer_id'], 'ordered_at', group_by => ARRAY['country']::name[], columns => ARRAY['segment']::varchar[]))) AS v(query);

-- Errors are a sentence, and a hint.
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount');
SELECT create_customer_scores('shop.orders', 'shop.orders', 'customer_id', 'ordered_at', 'amount', replace => true);
SELECT create_customer_scores('shop.stored', 'shop.orders', 'customer_id', 'ordered_at', 'amount', replace => true);
SELECT customer_scores_query('shop.orders', 'custmer_id', 'ordered_at', 'amount');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', columns => '{segmet}');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', columns => '{hair_colour}');
SELECT customer_scores_query('shop.orders', ARRAY['customer_id', 'customer_id'], 'ordered_at', 'amount');
CREATE VIEW shop.renamed AS SELECT customer_id AS who, 1 AS customer_id, ordered_at FROM shop.orders;
SELECT customer_scores_query('shop.renamed', 'who', 'ordered_at', group_by => 'customer_id');
DROP VIEW shop.renamed;
SELECT customer_scores_query('shop.orders', ARRAY[]::name[], 'ordered_at', 'amount');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => 7);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => 'contry');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', group_by => '{contry');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', columns => ARRAY['segment', NULL]);
SELECT customer_scores_query('shop.orders', 'customer_id');
SELECT customer_scores_query('shop.histories', 'who', amount => 'history');
SELECT customer_scores_query('shop.scores', 'customer_id', 'last_order_on', group_by => '{segment}');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => 'tomorow');
CREATE FUNCTION pg_temp.as_of_failure(as_of text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; hint text;
BEGIN
	RETURN customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => as_of) IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(hint, ''));
END $$;
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => 5);
SELECT answer.*
FROM unnest('{tomorrow week,2026-02-30,2026-13-01,2026-01-00,0000-01-01,2026-01,2026-01-31 10:00,12026-01-311111111,99999999-01-01,"",infinity}'::text[]) AS text,
	pg_temp.as_of_failure(text) AS answer;
SELECT pg_temp.as_of_failure('2024-02-29');
-- A word would be the day that it is now for ever.
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => 'yesterday'::text);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => 'epoch'::text);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', as_of => '06/30/2025'::text);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', model => 5);
SELECT create_customer_scores('shop.more', 'shop.orders', 'customer_id', 'ordered_at', storage => 'cloud');
BEGIN;
CALL refresh_customer_scores('shop.stored');
ROLLBACK;
CALL refresh_customer_scores('shop.orders');
\set SHOW_CONTEXT errors
CREATE VIEW shop.broken AS SELECT customer_id, ordered_at, amount / (customer_id - 77) AS amount FROM shop.orders;
SELECT create_customer_scores('shop.more', 'shop.broken', 'customer_id', 'ordered_at', 'amount');

-- A table of the user's that has the name of a generation stays; the owner's views run with nobody else's rights.
SELECT CASE WHEN to_regclass('shop.stored_generation_1') IS NULL THEN 'shop.stored_generation_1' ELSE 'shop.stored_generation_2' END AS free_name \gset
CREATE TABLE :free_name AS SELECT 'precious' AS data;
CALL refresh_customer_scores('shop.stored');
SELECT data FROM :free_name;
DROP TABLE :free_name;
CREATE ROLE scores_owner;
ALTER VIEW shop.stored OWNER TO scores_owner;
CALL refresh_customer_scores('shop.stored');
ALTER VIEW shop.stored OWNER TO CURRENT_USER;
ALTER TABLE shop.stored_model OWNER TO scores_owner;
CALL refresh_customer_scores('shop.stored');
ALTER TABLE shop.stored_model OWNER TO CURRENT_USER;
CALL refresh_customer_scores('shop.scores');
ALTER TABLE shop.scores_refreshes OWNER TO scores_owner;
CALL refresh_customer_scores('shop.scores');
ALTER TABLE shop.scores_refreshes OWNER TO CURRENT_USER;
COMMENT ON TABLE shop.scores_refreshes IS 'mine';
CALL refresh_customer_scores('shop.scores');
DROP ROLE scores_owner;
CALL refresh_customer_scores('shop.stored');

-- Scores of temporary orders are temporary, too: refreshed, and replaced by others, with indexes of the user's.
SET client_min_messages = warning;
CREATE TEMP TABLE visits AS SELECT * FROM shop.orders;
CREATE TEMP VIEW visits_seen AS SELECT * FROM visits;
SELECT create_customer_scores('pg_temp.passing', 'visits', 'customer_id', 'ordered_at', 'amount', storage => 'table') =
	(SELECT count(DISTINCT customer_id) FROM visits) AS all_scored;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'passing_generation_1'::regclass;
CREATE INDEX "b USING c" ON passing_generation_1 (segment);
CALL refresh_customer_scores('passing');
SELECT create_customer_scores('pg_temp.passing', 'visits_seen', 'customer_id', 'ordered_at', 'amount', storage => 'table', replace => true) =
	(SELECT count(DISTINCT customer_id) FROM visits) AS all_scored;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'passing_generation_1'::regclass ORDER BY 1;
CALL refresh_customer_scores('passing');
SELECT count(*) FROM passing_model;
SELECT create_customer_scores('shop.staying', 'visits', 'customer_id', 'ordered_at', 'amount', storage => 'table');
SELECT create_customer_scores('pg_temp.passing', 'visits_seen', 'customer_id', 'ordered_at', 'amount', replace => true);

DROP SCHEMA shop CASCADE;
