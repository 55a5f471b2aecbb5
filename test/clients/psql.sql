-- psql, and SQL as PostgREST and Metabase write it; every line that ends in f is wrong.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE copied (LIKE histories);
\copy (SELECT * FROM histories) TO histories.bin (FORMAT binary)
\copy copied FROM histories.bin (FORMAT binary)
SELECT 'binary copy', count(*) = (SELECT count(*) FROM histories) FROM copied JOIN histories USING (customer_id, history);
\copy (SELECT * FROM histories) TO histories.csv (FORMAT csv, HEADER)
TRUNCATE copied;
\copy copied FROM histories.csv (FORMAT csv, HEADER)
SELECT 'csv copy', count(*) = (SELECT count(*) FROM histories) FROM copied JOIN histories USING (customer_id, history);
-- PostgREST: GET /customer_scores_bi?segment=eq.Champions&churn_prob=lt.0.5&select=customer_id,clv_365d&order=clv_365d.desc&limit=3
WITH pgrst_source AS (SELECT "public"."customer_scores_bi"."customer_id", "public"."customer_scores_bi"."clv_365d" FROM "public"."customer_scores_bi"
	WHERE "public"."customer_scores_bi"."segment" = 'Champions' AND "public"."customer_scores_bi"."churn_prob" < '0.5'
	ORDER BY "public"."customer_scores_bi"."clv_365d" DESC LIMIT 3 OFFSET 0)
SELECT 'PostgREST reads', coalesce(json_agg(_postgrest_t), '[]')::json -> 0 ->> 'clv_365d' > '0', null::text FROM (SELECT * FROM pgrst_source) AS _postgrest_t;
-- GET /histories?customer_id=eq.1001
WITH pgrst_source AS (SELECT "public"."histories".* FROM "public"."histories" WHERE "public"."histories"."customer_id" = '1001')
SELECT 'PostgREST gives objects', json_typeof((json_agg(_postgrest_t)) -> 0 -> 'history') = 'object' FROM (SELECT * FROM pgrst_source) AS _postgrest_t;
-- POST /histories: the body is JSON
WITH pgrst_payload AS (SELECT '[{"customer_id": 1002, "history": {"orders": [["2025-05-05", 5]]}}]'::json AS json_data),
	pgrst_source AS (INSERT INTO "public"."histories"("customer_id", "history")
		SELECT "customer_id", "history" FROM pgrst_payload, json_to_recordset(json_data) AS _("customer_id" bigint, "history" purchase_history) RETURNING *)
SELECT 'PostgREST writes', order_count(history) = 1 FROM pgrst_source;
DELETE FROM histories WHERE customer_id = 1002;
-- Metabase: filters of a question, a time series of it, and how it looks at a table
SELECT 'Metabase filters', count(*) > 0 FROM (SELECT "public"."customer_scores_bi"."segment" AS "segment", COUNT(*) AS "count", SUM("public"."customer_scores_bi"."clv_365d") AS "sum"
	FROM "public"."customer_scores_bi" WHERE (("public"."customer_scores_bi"."segment" <> 'Lost') OR ("public"."customer_scores_bi"."segment" IS NULL))
	AND "public"."customer_scores_bi"."last_order_on" >= DATE_TRUNC('month', CAST('2025-06-15' AS date)) AND "public"."customer_scores_bi"."churn_prob" BETWEEN 0 AND 0.8
	GROUP BY "public"."customer_scores_bi"."segment" ORDER BY "sum" DESC LIMIT 2000) AS question;
SELECT 'Metabase lists the view', count(*) = 1 FROM information_schema.tables WHERE table_name = 'customer_scores_bi' AND table_type = 'VIEW';
SELECT 'and types that it knows', bool_and(data_type IN ('bigint', 'integer', 'smallint', 'double precision', 'text', 'date', 'boolean', 'timestamp with time zone', 'numeric'))
	FROM information_schema.columns WHERE table_name = 'customer_scores_bi';
