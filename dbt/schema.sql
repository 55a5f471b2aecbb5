-- Prints models/schema.yml: descriptions are the comments that the extension gives to its own columns.
--
--   psql -XAtq -f dbt/schema.sql > dbt/models/schema.yml     in a database that has the extension, and nothing else
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT count(*) AS ignored FROM (SELECT set_config('search_path', extnamespace::regnamespace::text || ', public', true) FROM pg_extension WHERE extname = 'customer_centric') AS x \gset
CREATE TABLE dbt_orders AS SELECT * FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
SELECT create_customer_scores('dbt_scores', 'dbt_orders', 'customer_id', 'ordered_at', 'amount') AS ignored \gset
SELECT create_customer_audit('dbt_audit', 'dbt_orders', 'customer_id', 'ordered_at', 'amount') AS ignored \gset

\echo '# Made by schema.sql from the comments in the database; edit those.'
\echo 'version: 2'
\echo 'models:'
\echo '  - name: purchase_histories'
\echo '    description: "one history for each customer, kept up by incremental runs"'
\echo '    columns:'
\echo '      - name: customer_id'
\echo '        description: "the customer, as in the orders"'
\echo '        data_tests: [unique, not_null]'
\echo '      - name: history'
\echo '        description: "every order of the customer, a purchase_history"'
\echo '        data_tests: [not_null]'
SELECT CASE WHEN first THEN format(E'  - name: %s\n    description: %s\n    columns:\n', model, to_json(about)) ELSE '' END
	|| format(E'      - name: %s\n        description: %s', attname, to_json(description))
	|| CASE WHEN attname = 'customer_id' THEN E'\n        data_tests: [unique, not_null]'
		WHEN attname ~ '_prob$|^share_' THEN E'\n        data_tests: [customer_centric.probability]'
		WHEN attname ~ '^(expected_|order_count|customers$|cohort_size)' THEN E'\n        data_tests: [customer_centric.not_negative]' ELSE '' END
FROM (
	SELECT v.place, attnum, v.model, CASE WHEN v.relation = 'dbt_audit_deciles' AND attname = 'decile' THEN 'tile' ELSE attname END AS attname,
		coalesce(obj_description(v.relation::regclass, 'pg_class'), '') AS about, col_description(attrelid, attnum) AS description,
		row_number() OVER (PARTITION BY v.place ORDER BY attnum) = 1 AS first
	FROM (VALUES (1, 'customer_scores', 'dbt_scores'), (2, 'customer_deciles', 'dbt_audit_deciles'), (3, 'customer_cohorts', 'dbt_audit_cohorts')) AS v(place, model, relation)
		JOIN pg_attribute ON attrelid = v.relation::regclass AND attnum > 0
	WHERE attname NOT IN ('refresh', 'profit', 'share_profit', 'margin', 'spend_per_customer')) AS columns
ORDER BY place, attnum;
ROLLBACK;
