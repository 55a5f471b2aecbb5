-- Customers and groups are told apart by the equality of their types, whatever values look like; names
-- of the user's do not meet those within the query; and what is replaced keeps what was added to it.

SET datestyle = ISO;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders AS
SELECT customer_id, ordered_at, amount::numeric(12,2), row_number() OVER () AS line
FROM simulate_orders(1200, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);

CREATE TABLE shop.model AS SELECT clv_fit(customer_base(h), 'bg/nbd') AS model FROM (SELECT purchase_history(ordered_at, amount) AS h FROM shop.orders GROUP BY customer_id) AS x;

-- Two ways to write each value, and NULL: a group each, with the same model as where all write alike. Every
-- type, also those that have no hash (bit, money) and those whose output depends on a setting (float8, interval).
CREATE FUNCTION pg_temp.groups(first text, second text, other text, type text, OUT groups bigint, OUT customers text, OUT as_plain bigint) LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE format('CREATE VIEW shop.written AS SELECT *, CASE customer_id %% 4 WHEN 0 THEN %1$L::%4$s WHEN 1 THEN %2$L::%4$s WHEN 2 THEN %3$L::%4$s END AS written,
		ARRAY[1, 1, 2, NULL]::int[] AS plain FROM shop.orders', first, second, other, type);
	EXECUTE (SELECT 'CREATE TEMP TABLE by_type AS ' || customer_scores_query('shop.written', 'customer_id', 'ordered_at', 'amount', group_by => '{written}', columns => '{rfm_score,as_of,churn_prob}', model => model) FROM shop.model);
	CREATE VIEW shop.plain AS SELECT o.*, plain[1 + customer_id % 4] AS plainly FROM shop.written AS o;
	EXECUTE (SELECT 'CREATE TEMP TABLE by_number AS ' || customer_scores_query('shop.plain', 'customer_id', 'ordered_at', 'amount', group_by => '{plainly}', columns => '{rfm_score,as_of,churn_prob}', model => model) FROM shop.model);
	SELECT count(*), string_agg(n::text, ' ' ORDER BY n) INTO groups, customers FROM (SELECT count(*) AS n FROM by_type GROUP BY written) AS x;
	SELECT count(*) INTO as_plain FROM by_type AS t JOIN by_number AS n USING (customer_id, rfm_score, as_of, churn_prob);
	DROP TABLE by_type, by_number;
	DROP VIEW shop.plain, shop.written;
END $$;
SELECT type, g.* FROM (VALUES ('1.0', '1.00', '2', 'numeric'), ('0', '-0', '1', 'float8'), ('0.3', '0.30000000000000001', '0.30000000000000004', 'float8'),
	('1 month', '30 days', '1 day', 'interval'), ('a', 'a  ', 'b', 'char(3)'), ('{1,2}', '{1.0,2.00}', '{1}', 'numeric[]'), ('b', 'b', 'c', 'text'),
	('1', '1', '0', 'bit'), ('1', '1.00', '2', 'money'), ('[1,3)', '[1,2]', '[1,9]', 'int4range')) AS v(first, second, other, type),
	pg_temp.groups(first, second, other, type) AS g;
SET extra_float_digits = 0;
SELECT g.* FROM pg_temp.groups('0.3', '0.3', '0.30000000000000004', 'float8') AS g;
RESET extra_float_digits;

-- The user's names may be any, also those of the query itself; but not those that a table cannot have, nor those of the scores.
CREATE VIEW shop.named AS SELECT customer_id, ordered_at, amount, line, customer_id % 2 AS history, 1 AS group_hash, 1 AS customer_number, 1 AS ordered_on,
	1 AS base, 1 AS first_customer, 1 AS too_small, 1 AS model_of_all, 1 AS cuts, 1 AS key_2, 1 AS key_1, 1 AS s, 1 AS "f", '{}'::json AS odd FROM shop.orders;
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd') AS query \gset
CREATE TEMP TABLE want AS :query;
CREATE FUNCTION pg_temp.alike(query text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN
	EXECUTE 'SELECT count(*) FROM (' || query || ') AS q JOIN pg_temp.want USING (customer_id, clv_365d, rfm_score)' INTO n; RETURN n; END $$;
SELECT create_customer_scores('shop.in_names', 'shop.named', ARRAY['customer_id', 'cuts'], 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table',
	group_by => ARRAY['group_hash', 'customer_number', 'ordered_on', 'base', 'first_customer', 'too_small', 'model_of_all', 'key_2', 'key_1', 's', 'f']);
CALL refresh_customer_scores('shop.in_names');
SELECT model_of_all, base, customers FROM shop.in_names_model;
SELECT pg_temp.alike('TABLE shop.in_names');
SELECT pg_temp.alike(customer_scores_query('shop.named', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', group_by => '{s}', order_id => 'line'));
SELECT count(*) FROM pg_temp.want;
SELECT create_customer_scores('shop.by_history', 'shop.named', 'customer_id', 'ordered_at', 'amount', group_by => '{history}', model => 'bg/nbd');
SELECT history, customers FROM shop.by_history_model ORDER BY 1;
SELECT create_customer_scores('shop.kept', 'shop.named', 'customer_id', 'ordered_at', 'amount', group_by => '{amount}', order_id => 'line', model => (SELECT model FROM shop.by_history_model WHERE history = 0)) > 0 AS scored;
CREATE VIEW shop.system AS SELECT *, 1 AS x FROM shop.orders;
ALTER VIEW shop.system RENAME x TO ctid;
SELECT customer_scores_query('shop.system', 'customer_id', 'ordered_at', 'amount', group_by => '{ctid}');
SELECT customer_scores_query('shop.named', 'customer_id', 'ordered_at', 'amount', group_by => '{odd}');
SELECT customer_scores_query('shop.named', 'odd', 'ordered_at', 'amount');

-- Long names are refused: those that begin alike would share what stands beside them.
SELECT create_customer_scores('shop.' || repeat('long', 12) || 'one', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
SELECT create_customer_scores('shop.' || repeat('long', 12) || '1', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
SELECT create_customer_scores('shop.' || repeat('long', 12) || '2', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
INSERT INTO shop.orders VALUES (5000, '2026-01-02', 10, 0);
CALL refresh_customer_scores(('shop.' || repeat('long', 12) || '2')::regclass);
SELECT (SELECT count(*) FROM shop.longlonglonglonglonglonglonglonglonglonglonglong1) AS first, (SELECT count(*) FROM shop.longlonglonglonglonglonglonglonglonglonglonglong2) AS second;
DELETE FROM shop.orders WHERE customer_id = 5000;

-- What users add to scores stays when they are replaced: grants, comments, indexes, options. What cannot stay is named.
CREATE ROLE scores_reader;
CREATE ROLE scores_column_reader;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => '{*,clv_low}');
GRANT SELECT ON shop.scores TO scores_reader WITH GRANT OPTION;
GRANT SELECT (customer_id, segment, clv_365d) ON shop.scores_bi TO scores_column_reader;
GRANT SELECT ON shop.scores_model TO PUBLIC;
CREATE INDEX my_segments ON shop.scores (segment) WHERE churn_prob < 0.5;
CREATE INDEX by_value ON shop.scores (clv_365d);
COMMENT ON COLUMN shop.scores.segment IS 'as marketing says it';
COMMENT ON MATERIALIZED VIEW shop.scores IS 'mine';
ALTER VIEW shop.scores_bi SET (security_barrier = true);
CREATE STATISTICS shop.together ON segment, lifecycle FROM shop.scores;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO scores_column_reader;
CREATE VIEW shop.added AS
SELECT relname, relkind, replace(replace(relacl::text, current_user, 'owner'), 'arwdDxtm', 'arwdDxt') AS grants, reloptions, obj_description(oid, 'pg_class') AS comment,
	(SELECT string_agg(attname || '=' || replace(attacl::text, current_user, 'owner'), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) AS on_columns,
	(SELECT string_agg(i.relname, ' ' ORDER BY i.relname COLLATE "C") FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid WHERE indrelid = c.oid) AS indexes,
	(SELECT string_agg(attname || ': ' || col_description(c.oid, attnum), '; ') FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('segment', 'clv_low')) AS comments
FROM pg_class AS c WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^scores(_bi|_model|_generation_.)?$' ORDER BY relname COLLATE "C";
\pset format unaligned
\x on
TABLE shop.added;
SET client_min_messages = notice;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => '{*,clv_low}', horizon_days => 90, replace => true);
TABLE shop.added;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', replace => true);
TABLE shop.added;
\x off
\pset format aligned
-- Options of each view stay, also of those that only the scores themselves read.
SELECT create_customer_scores('shop.fenced', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model));
SELECT create_customer_scores('shop.fenced_kept', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
SELECT format('ALTER VIEW %s SET (security_barrier = true)', oid::regclass) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^fenced' AND relkind = 'v' ORDER BY relname COLLATE "C" \gexec
COMMENT ON VIEW shop.fenced_kept_query IS 'mine';
GRANT SELECT ON shop.fenced_kept_query TO scores_reader;
SELECT create_customer_scores('shop.fenced', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);
SELECT create_customer_scores('shop.fenced_kept', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', replace => true);
CALL refresh_customer_scores('shop.fenced');
CALL refresh_customer_scores('shop.fenced_kept');
SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^fenced' AND relkind = 'v' ORDER BY relname COLLATE "C";
SELECT obj_description('shop.fenced_kept_query'::regclass) AS comment, has_table_privilege('scores_reader', 'shop.fenced_kept_query', 'SELECT') AS granted;
-- (another storage has no such view)
SELECT create_customer_scores('shop.fenced_kept', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);
DROP MATERIALIZED VIEW shop.fenced, shop.fenced_kept CASCADE;
-- Who has built on them is asked first.
CREATE VIEW shop.resting AS SELECT segment FROM shop.scores;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);
SELECT count(*) > 0 AS there FROM shop.resting;
-- What a DROP … CASCADE has left does not prevent that they are made again.
DROP VIEW shop.scores CASCADE;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
DROP TABLE shop.scores_generation_1 CASCADE;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model));
-- But another table of a name that is needed does, and stays.
DROP MATERIALIZED VIEW shop.scores CASCADE;
CREATE TABLE shop.scores_model AS SELECT 'precious' AS data;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model));
DROP TABLE shop.scores_model;
-- Scores of another role are for that role to replace.
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model));
ALTER MATERIALIZED VIEW shop.scores OWNER TO scores_reader;
SELECT create_customer_scores('shop.scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);

--
-- What goes with what is replaced, refreshed or renamed, is kept or said
--

CREATE SCHEMA kept;
CREATE TABLE kept.orders AS SELECT customer_id, ordered_at, amount FROM shop.orders WHERE customer_id <= 200;
SET client_min_messages = notice;
SELECT create_customer_scores('kept.s', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model));
ALTER MATERIALIZED VIEW kept.s ALTER COLUMN segment SET STATISTICS 300, ALTER COLUMN segment SET STORAGE external;
ALTER MATERIALIZED VIEW kept.s ALTER COLUMN clv_365d SET (n_distinct = -1);
ALTER MATERIALIZED VIEW kept.s ALTER COLUMN lifecycle SET STATISTICS 200;
ALTER MATERIALIZED VIEW kept.s CLUSTER ON s_customer_id_idx;
COMMENT ON COLUMN kept.s.clv_365d IS 'do not show';
CALL refresh_customer_scores('kept.s');
SELECT create_customer_scores('kept.s', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => '{segment,rfm_score}', replace => true);
SELECT attname, attstattarget, attstorage FROM pg_attribute WHERE attrelid = 'kept.s'::regclass AND attname = 'segment';
SELECT indexrelid::regclass, indisclustered FROM pg_index WHERE indrelid = 'kept.s'::regclass AND indisclustered;
-- What refreshes fitted is nowhere else: it stays, also with another storage and back again.
SELECT count(*) AS fitted, count(DISTINCT refreshed_at) AS times FROM kept.s_model;
COMMENT ON VIEW kept.s_model IS 'mine';
SELECT create_customer_scores('kept.s', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', replace => true);
CALL refresh_customer_scores('kept.s');
CREATE VIEW kept.history AS SELECT count(*) AS fitted, count(DISTINCT refreshed_at) AS times FROM kept.s_model;
SELECT create_customer_scores('kept.s', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', replace => true);
SELECT h.*, obj_description('kept.s_model'::regclass, 'pg_class') AS comment FROM kept.history AS h;
DROP VIEW kept.history;
SELECT create_customer_scores('kept.s', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);
SELECT count(*) AS fitted, count(DISTINCT refreshed_at) AS times, to_regclass('kept.s_refreshes') IS NOT NULL AS kept FROM kept.s_model;
-- Where it cannot stay, because there are other groups now, a notice says what is lost.
SELECT create_customer_scores('kept.g', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
CREATE VIEW kept.two_groups AS SELECT *, customer_id % 2 AS shop_id FROM kept.orders;
CREATE TRIGGER mine BEFORE UPDATE ON kept.g_model FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT create_customer_scores('kept.g', 'kept.two_groups', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', group_by => 'shop_id', replace => true);
-- A group that has no orders any more says so, or its last model would seem to hold.
CREATE OR REPLACE VIEW kept.two_groups AS SELECT *, customer_id % 2 AS shop_id FROM kept.orders WHERE customer_id % 2 = 0;
CALL refresh_customer_scores('kept.g');
SELECT shop_id, customers, fit_status, warnings, count(*) OVER (PARTITION BY refreshed_at) AS of_this_refresh FROM kept.g_model ORDER BY refreshed_at, shop_id;
SELECT create_customer_scores('kept.g', 'kept.two_groups', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), group_by => 'shop_id', replace => true);
CALL refresh_customer_scores('kept.g');
SELECT shop_id, count(*) AS fitted, count(*) FILTER (WHERE fit_status = 'no_orders') AS without_orders FROM kept.g_model GROUP BY shop_id ORDER BY shop_id;
-- A table of the user's that has the name of a generation stays, also when scores are replaced.
SELECT create_customer_scores('kept.u', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
CREATE TABLE kept.u_generation_2 AS SELECT 'precious' AS data;
SELECT create_customer_scores('kept.u', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table', replace => true);
TABLE kept.u_generation_2;
SELECT create_customer_scores('kept.u', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true);
TABLE kept.u_generation_2;
-- Made without data, they are refreshed like any others.
REFRESH MATERIALIZED VIEW kept.s WITH NO DATA;
CALL refresh_customer_scores('kept.s');
-- A refresh without orders says so, there and in what was fitted last.
BEGIN;
CREATE TEMP TABLE emptied AS SELECT * FROM kept.orders;
TRUNCATE kept.orders;
CALL refresh_customer_scores('kept.s');
SELECT model_name, customers, fit_status, warnings FROM kept.s_model ORDER BY refreshed_at DESC LIMIT 1;
INSERT INTO kept.orders SELECT * FROM emptied;
COMMIT;
CALL refresh_customer_scores('kept.s');
SELECT model_name, fit_status FROM kept.s_model ORDER BY refreshed_at DESC LIMIT 1;
SELECT create_customer_scores('kept.t', 'kept.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table');
TRUNCATE kept.orders;
CALL refresh_customer_scores('kept.t');
SELECT count(*) FROM kept.t;
SELECT model_name, customers, fit_status, warnings FROM kept.t_model ORDER BY refreshed_at DESC LIMIT 1;
INSERT INTO kept.orders SELECT * FROM emptied;
-- Their schema may be renamed.
ALTER SCHEMA kept RENAME TO renamed;
CALL refresh_customer_scores('renamed.s');
CALL refresh_customer_scores('renamed.t');
SELECT count(*) > 100 AS scored FROM renamed.s JOIN renamed.t USING (customer_id);
-- Of stored histories: those that are empty, and customers who have several.
CREATE TABLE renamed.histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM renamed.orders GROUP BY 1
UNION ALL SELECT 100000 + i, '{"orders": []}' FROM generate_series(1, 3) AS i;
SELECT create_customer_scores('renamed.h', 'renamed.histories', 'customer_id', model => (SELECT model FROM shop.model));
INSERT INTO renamed.histories SELECT * FROM renamed.histories WHERE customer_id < 10;
SELECT create_customer_scores('renamed.h', 'renamed.histories', 'customer_id', model => (SELECT model FROM shop.model), replace => true);
-- A model without a spend part gives nobody a value, which is said; where there are no amounts it was not to be expected.
SELECT create_customer_scores('renamed.v', 'renamed.orders', 'customer_id', 'ordered_at', 'amount', model => '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5}}');
SELECT create_customer_scores('renamed.w', 'renamed.orders', 'customer_id', 'ordered_at', model => '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5}}');
-- A model with covariates could score nobody here.
SELECT create_customer_scores('renamed.c', 'renamed.orders', 'customer_id', 'ordered_at', 'amount',
	model => (SELECT clv_fit(customer_base(history, ARRAY[customer_id % 2]::float8[]), 'bg/nbd') FROM renamed.histories WHERE customer_id < 100000));
SET client_min_messages = warning;
DROP SCHEMA renamed CASCADE;

-- A type without an order has no index.
SET client_min_messages = warning;
CREATE TABLE shop.unordered AS SELECT customer_id::text::xid AS customer_id, ordered_at, amount FROM shop.orders;
SELECT create_customer_scores('shop.of_xids', 'shop.unordered', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
-- Columns that users have renamed stay so, also where names are exchanged.
SELECT create_customer_scores('shop.other_names', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table') > 0 AS made;
CREATE TABLE shop.before AS SELECT customer_id, order_count, segment, recency_days, tenure_days FROM shop.other_names;
ALTER VIEW shop.other_names RENAME COLUMN segment TO rfm_segment;
ALTER VIEW shop.other_names RENAME COLUMN recency_days TO was_recency;
ALTER VIEW shop.other_names RENAME COLUMN tenure_days TO recency_days;
ALTER VIEW shop.other_names RENAME COLUMN was_recency TO tenure_days;
CALL refresh_customer_scores('shop.other_names');
CALL refresh_customer_scores('shop.other_names');
SELECT count(*) AS customers, count(*) FILTER (WHERE n.rfm_segment = b.segment AND n.tenure_days = b.recency_days AND n.recency_days = b.tenure_days) AS same
FROM shop.other_names AS n JOIN shop.before AS b USING (customer_id);
-- One that was added to the view is none of the scores; a view over it may have it.
SELECT create_customer_scores('shop.wider', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table') > 0 AS made;
CREATE OR REPLACE VIEW shop.wider AS SELECT customer_id, churn_prob, 1 - churn_prob AS alive_prob FROM shop.wider_generation_1;
CALL refresh_customer_scores('shop.wider');
-- What refreshes fitted is kept beside columns that users add, rename and drop, also by scores that take the place of others.
CREATE FUNCTION shop.noted(relation text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT (to_jsonb(m) - ARRAY[''model'', ''log_likelihood'', ''converged'', ''identified'', ''refreshed_at''])::text FROM %s AS m ORDER BY refreshed_at', relation);
END $$;
SELECT create_customer_scores('shop.annotated', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table') > 0 AS made;
ALTER TABLE shop.annotated_model ADD COLUMN note text DEFAULT 'none', ADD COLUMN by_whom text;
ALTER TABLE shop.annotated_model RENAME COLUMN warnings TO remarks;
CALL refresh_customer_scores('shop.annotated');
ALTER TABLE shop.annotated_model DROP COLUMN by_whom;
CALL refresh_customer_scores('shop.annotated');
SELECT * FROM shop.noted('shop.annotated_model');
SET client_min_messages = notice;
SELECT create_customer_scores('shop.annotated', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table', replace => true) > 0 AS made;
SELECT create_customer_scores('shop.annotated', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', replace => true) > 0 AS made;
ALTER VIEW shop.annotated_model RENAME COLUMN customers TO fitted_customers;
ALTER TABLE shop.annotated_refreshes ADD COLUMN by_whom text DEFAULT 'me';
CALL refresh_customer_scores('shop.annotated');
SELECT * FROM shop.noted('shop.annotated_model');
SELECT * FROM shop.noted('shop.annotated_refreshes');
ALTER TABLE shop.annotated_refreshes DROP COLUMN note;
SELECT create_customer_scores('shop.annotated', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table', replace => true) > 0 AS made;
SELECT count(*) AS rows, count(by_whom) AS rows_of_me FROM shop.annotated_model;
-- The first refresh of a materialized view whose companion has other names keeps these.
SELECT create_customer_scores('shop.viewed', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob') > 0 AS made;
ALTER VIEW shop.viewed_model RENAME COLUMN customers TO fitted_customers;
CALL refresh_customer_scores('shop.viewed');
SELECT fitted_customers IS NOT NULL AS counted FROM shop.viewed_model;
-- A column that is missing is named; what other groups need is not there.
ALTER TABLE shop.annotated_model DROP COLUMN log_likelihood;
CALL refresh_customer_scores('shop.annotated');
ALTER TABLE shop.annotated_model ADD COLUMN log_likelihood float8;
CALL refresh_customer_scores('shop.annotated');
ALTER TABLE shop.annotated_model ADD COLUMN country text;
CREATE TABLE shop.by_country AS SELECT *, 'country ' || customer_id::text::int % 2 AS country FROM shop.orders;
SELECT create_customer_scores('shop.annotated', 'shop.by_country', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table', group_by => 'country', replace => true) > 0 AS made;
-- What is left of scores that were dropped is known with them.
ALTER TABLE shop.annotated_model ADD COLUMN note text;
DROP VIEW shop.annotated;
SELECT create_customer_scores('shop.annotated', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => 'table') > 0 AS made;
SET client_min_messages = warning;
-- Comments on indexes stay, in a replacement and in each refresh.
SELECT create_customer_scores('shop.indexed', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), storage => 'table') > 0 AS made;
CREATE INDEX by_segment ON shop.indexed_generation_1 (segment);
COMMENT ON INDEX shop.by_segment IS 'for the dashboard';
COMMENT ON INDEX shop.indexed_generation_1_customer_id_idx IS 'the key';
CREATE FUNCTION shop.index_comments() RETURNS TABLE (relation regclass, columns text, comment text) LANGUAGE sql AS $$
	SELECT indrelid::regclass, substring(pg_get_indexdef(indexrelid) FROM '\(.*\)') COLLATE "C", obj_description(indexrelid) FROM pg_index
	WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^indexed' AND relname !~ 'model') ORDER BY 2 $$;
CALL refresh_customer_scores('shop.indexed');
SELECT * FROM shop.index_comments();
SELECT create_customer_scores('shop.indexed', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true) > 0 AS made;
SELECT * FROM shop.index_comments();
SET client_min_messages = notice;
SELECT create_customer_scores('shop.indexed', 'shop.orders', ARRAY['customer_id', 'amount'], 'ordered_at', 'amount', model => (SELECT model FROM shop.model), replace => true) > 0 AS made;
SET client_min_messages = warning;
SELECT * FROM shop.index_comments();

-- Rights that were taken away do not come back by default, neither with a refresh nor beside scores that take the place of others; those that were given stay.
SET client_min_messages = warning;
CREATE SCHEMA rights;
ALTER DEFAULT PRIVILEGES IN SCHEMA rights GRANT SELECT ON TABLES TO scores_column_reader;
CREATE FUNCTION rights.readers() RETURNS TABLE (relation name, readers text) LANGUAGE sql AS $$
	SELECT relname, string_agg(grantee::regrole::text, ' ' ORDER BY grantee::regrole::text) FILTER (WHERE grantee <> relowner)
	FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a
	WHERE relnamespace = 'rights'::regnamespace AND relkind <> 'i' GROUP BY relname ORDER BY relname COLLATE "C" $$;
CREATE FUNCTION rights.made(name text, storage text) RETURNS boolean LANGUAGE sql AS $$
	SELECT create_customer_scores(name, 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => (SELECT model FROM shop.model), columns => 'churn_prob', storage => made.storage, replace => true) > 0 $$;
SELECT rights.made('rights.s', 'table');
-- (new scores have what the owner gives by default)
SELECT * FROM rights.readers();
REVOKE ALL ON rights.s, rights.s_generation_1, rights.s_query, rights.s_model FROM scores_column_reader;
GRANT SELECT ON rights.s, rights.s_generation_1 TO scores_reader;
CALL refresh_customer_scores('rights.s');
SELECT * FROM rights.readers();
SELECT rights.made('rights.s', 'table');
SELECT * FROM rights.readers();
SELECT rights.made('rights.s', 'materialized view');
CALL refresh_customer_scores('rights.s');
SELECT * FROM rights.readers();
SELECT rights.made('rights.s', 'table');
SELECT * FROM rights.readers();
-- Where the scores are to be read by default, so is what is new beside them.
GRANT SELECT ON rights.s TO scores_column_reader;
SELECT rights.made('rights.s', 'materialized view');
CALL refresh_customer_scores('rights.s');
SELECT * FROM rights.readers();
ALTER DEFAULT PRIVILEGES IN SCHEMA rights REVOKE SELECT ON TABLES FROM scores_column_reader;
DROP SCHEMA rights CASCADE;

SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM scores_column_reader;
DROP SCHEMA shop CASCADE;
DROP ROLE scores_reader, scores_column_reader;
