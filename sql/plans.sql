-- However the server chooses to compute an aggregate, the answer is the same to the byte:
-- by one process or several, sorted or hashed, in memory or spilled, for each partition by
-- itself, for several groupings at once, over a moving window, or sharing its state.

SET datestyle = ISO;
-- (that a model is not identified by these data is not the point here)
SET client_min_messages = error;
-- Since 16 the server likes to sort for the ordered aggregate that sums up the answers.
DO $$ BEGIN PERFORM set_config(name, 'off', false) FROM pg_settings WHERE name = 'enable_presorted_aggregate'; END $$;

-- Orders of many customers in few and in many groups, with refunds and unknown amounts. Two
-- tables of the same partitions: by customer.
CREATE TABLE plan_orders (customer_id int, shop int, ordered_at date, amount numeric) PARTITION BY HASH (customer_id);
CREATE TABLE plan_orders_0 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE plan_orders_1 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE plan_orders_2 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO plan_orders
SELECT i % 2503, i % 7, date '2024-01-01' + (i * 37) % 701,
	CASE WHEN i % 19 = 0 THEN -(i % 40) WHEN i % 23 > 0 THEN ((i * 7919) % 20011)::numeric / 100 END
FROM generate_series(1, 20000) AS i;
CREATE TABLE plan_customers (customer_id int, shop int, h purchase_history) PARTITION BY HASH (customer_id);
CREATE TABLE plan_customers_0 PARTITION OF plan_customers FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE plan_customers_1 PARTITION OF plan_customers FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE plan_customers_2 PARTITION OF plan_customers FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO plan_customers
SELECT customer_id, customer_id % 7, purchase_history(ordered_at, amount) FROM plan_orders GROUP BY customer_id;
ANALYZE plan_orders, plan_customers;

-- What is asked: a name, the columns and tables, and by what to group.
CREATE TABLE plan_questions (name text, aggregate text, source text, grouping_key text);
INSERT INTO plan_questions
SELECT name || ' by ' || coalesce(key, 'nothing'), aggregate, source, key
FROM (VALUES
	('purchase_history', 'purchase_history(ordered_at, amount)', 'plan_orders'),
	('purchase_history of float8', 'purchase_history(ordered_at, amount::float8)', 'plan_orders'),
	('purchase_history without amounts', 'purchase_history(ordered_at)', 'plan_orders'),
	('rollup of histories', 'rollup(h)', 'plan_customers'),
	('customer_base', 'customer_base(h)', 'plan_customers'),
	('customer_base until a day', 'customer_base(h, ''2025-06-01'')', 'plan_customers'),
	('rollup of bases', 'rollup(base)', '(SELECT customer_id, shop, customer_base(h) AS base FROM plan_customers GROUP BY 1, 2) AS b'),
	('season', 'season(h, ''month'')', 'plan_customers'),
	('season until a day', 'season(h, ''week'', ''2025-06-01'')', 'plan_customers'),
	('rollup of seasons', 'rollup(s)', '(SELECT customer_id, shop, season(h, ''day'') AS s FROM plan_customers GROUP BY 1, 2) AS s'),
	('same_customer', 'same_customer(customer_id, shop)', 'plan_customers'),
	('rollup of identities', 'rollup(groups)', '(SELECT customer_id, shop, same_customer(customer_id, shop) AS groups FROM plan_customers GROUP BY 1, 2) AS i'),
	('rfm_cuts', 'rfm_cuts(recency_days(h, ''2026-01-01''), order_count(h), total_spend(h))', 'plan_customers'),
	('segment_rules', 'segment_rules(''S'' || customer_id % 50, int4range(1 + customer_id % 5, 6), NULL, NULL)', 'plan_customers'),
	('rollup of rules', 'rollup(rules)', '(SELECT customer_id, shop, segment_rules(''S'' || customer_id % 50, NULL, NULL, NULL) AS rules FROM plan_customers GROUP BY 1, 2) AS r'),
	('segment_transitions', 'segment_transitions(''S'' || customer_id % 5, ''S'' || shop)', 'plan_customers'),
	('segment_transitions of counts', 'segment_transitions(''S'' || customer_id % 5, NULL, shop)', 'plan_customers'),
	('rollup of transitions', 'rollup(t)', '(SELECT customer_id, shop, segment_transitions(''S'' || customer_id % 5, ''S'' || shop) AS t FROM plan_customers GROUP BY 1, 2) AS r'),
	('retention_base', 'retention_base(ordered_at, CASE WHEN customer_id % 3 > 0 THEN ordered_at + customer_id % 99 END, ''2026-01-01'')', 'plan_orders'),
	('retention_base of counts', 'retention_base(1 + customer_id % 60, customer_id % 3 = 0, shop, ''1 month'')', 'plan_customers'),
	('contact_log', 'contact_log(ordered_at)', 'plan_orders'),
	('rollup of logs', 'rollup(log)', '(SELECT customer_id, shop, contact_log(ordered_at) AS log FROM plan_orders GROUP BY 1, 2) AS l'),
	('fatigue', 'fatigue(customer_id % 9, shop = 1, shop = 2)', 'plan_orders'),
	('fatigue of counts', 'fatigue(customer_id % 9, 100, shop, 2)', 'plan_customers'),
	('relevance_audit', 'relevance_audit(shop = 1, shop > 3, NULL, customer_id % 3 = 0, false, customer_id % 7 = 0)', 'plan_orders'),
	('replenishment', 'replenishment(h)', 'plan_customers'),
	('rollup of replenishments', 'rollup(r)', '(SELECT customer_id, shop, replenishment(h) AS r FROM plan_customers GROUP BY 1, 2) AS r'),
	('hour_profile', 'hour_profile(ordered_at + interval ''1 hour'' * (customer_id % 24))', 'plan_orders'),
	('hour_profile of weekdays', 'hour_profile(ordered_at, ''weekday'')', 'plan_orders'),
	('hour_prior', 'hour_prior(p)', '(SELECT customer_id, shop, hour_profile(ordered_at, ''weekday'') AS p FROM plan_orders GROUP BY 1, 2) AS p'),
	('rate_prior', 'rate_prior(shop, 7)', 'plan_orders'),
	('rate_prior of counts', 'rate_prior(shop, customer_id / 7.0, ''count'')', 'plan_customers'),
	('rate_index', 'rate_index(''S'' || customer_id % 50, shop, 7)', 'plan_orders'),
	('rollup of rate indices', 'rollup(i)', '(SELECT customer_id, shop, rate_index(''S'' || customer_id % 9, shop, 7) AS i FROM plan_customers GROUP BY 1, 2) AS r'),
	('question_weights', 'question_weights(shop = 1, shop / 7.0, customer_id % 9 / 9.0, 0.5)', 'plan_orders'),
	('covariate_path', 'covariate_path(ordered_at::date, ARRAY[extract(day FROM ordered_at)::float8])', 'plan_orders'),
	('rollup of paths', 'rollup(p)', '(SELECT customer_id, shop, covariate_path(ordered_at::date, ARRAY[extract(day FROM ordered_at)::float8]) AS p FROM plan_orders GROUP BY 1, 2) AS r'),
	('path_base', 'path_base(h, ''{"steps": [["2000-01-01", 0], ["2024-09-01", 1]]}''::covariate_path)', 'plan_customers'),
	('path_base until a day', 'path_base(h, ''{"steps": [["2000-01-01", 0], ["2024-09-01", 1]]}''::covariate_path, date ''2024-12-31'')', 'plan_customers'),
	('rollup of path bases', 'rollup(b)', '(SELECT customer_id, shop, path_base(h, ''{"steps": [["2000-01-01", 0]]}''::covariate_path) AS b FROM plan_customers GROUP BY 1, 2) AS r'),
	('journey', 'journey(ordered_at, 1 + shop)', 'plan_orders'),
	('journey of sets', 'journey(ordered_at, ARRAY[1 + shop, 1])', 'plan_orders'),
	('rollup of journeys', 'rollup(j)', '(SELECT customer_id, shop, journey(ordered_at, 1 + customer_id % 3) AS j FROM plan_orders GROUP BY 1, 2) AS r'),
	('journey_funnel', 'journey_funnel(j, ''90 days'')', '(SELECT customer_id, customer_id % 7 AS shop, journey(ordered_at, 1 + shop % 3) AS j FROM plan_orders GROUP BY 1, 2) AS r'),
	('item_pairs', 'item_pairs(ARRAY[shop, customer_id % 50, 7]::bigint[])', 'plan_orders'),
	('item_pairs of texts', 'item_pairs(ARRAY[''S'' || shop, ''C'' || customer_id % 50], 5)', 'plan_customers'),
	('rollup of item pairs', 'rollup(p)', '(SELECT customer_id, shop, item_pairs(ARRAY[shop, customer_id % 50]::bigint[]) AS p FROM plan_customers GROUP BY 1, 2) AS r'),
	('recommendation_check', 'recommendation_check(ARRAY[''S'' || shop], ''{S1}'', ARRAY[''S'' || customer_id % 9], 5)', 'plan_orders'),
	('event_study', 'event_study(h, date ''2024-09-01'' + shop, 90, 60, 7)', 'plan_customers'),
	('event_study with matched', 'event_study(h, date ''2024-09-01'', h, 90, 60, 7, date ''2025-01-01'')', 'plan_customers'),
	('rollup of event studies', 'rollup(s)', '(SELECT customer_id, shop, event_study(h, date ''2024-09-01'', ARRAY[h], 90, 60, 7) AS s FROM plan_customers GROUP BY 1, 2) AS r'),
	('event_contacts', 'event_contacts(''kind '' || shop, ordered_at, NULL, 14, customer_id % 3 > 0)', 'plan_orders'),
	('uplift', 'uplift(customer_id % 4 > 0, amount)', 'plan_orders'),
	('uplift with covariate', 'uplift(customer_id % 4 > 0, amount, shop)', 'plan_orders'),
	('rollup of uplifts', 'rollup(u)', '(SELECT customer_id, shop, uplift(customer_id % 4 > 0, amount) AS u FROM plan_orders GROUP BY 1, 2) AS r'),
	('uplift_segments', 'uplift_segments(''S'' || customer_id % 50, u)', '(SELECT customer_id, shop, uplift(customer_id % 4 > 0, amount) AS u FROM plan_orders GROUP BY 1, 2) AS r'),
	('response_curve', 'response_curve(customer_id % 5, amount)', 'plan_orders'),
	('budget_plan', 'budget_plan(''S'' || customer_id, 10, ''{"curve": "exp", "c": 1, "k": 1}'', shop, 0, NULL)', '(SELECT * FROM plan_customers WHERE customer_id < 50) AS r'),
	('rollup of retention bases', 'rollup(base)', '(SELECT customer_id, shop, retention_base(1 + customer_id % 60, false, 1, ''7 days'') AS base FROM plan_customers GROUP BY 1, 2) AS r'))
	AS v(name, aggregate, source), unnest('{NULL,shop,customer_id}'::text[]) AS key;
INSERT INTO plan_questions VALUES ('clv_model by nothing', 'clv_model(h)', 'plan_customers', NULL);

-- One text that all answers to a question come down to.
CREATE FUNCTION plan_query(aggregate text, source text, key text) RETURNS text LANGUAGE sql
RETURN CASE WHEN key IS NULL THEN format('SELECT md5(%s::text) FROM %s', aggregate, source)
	ELSE format('SELECT md5(string_agg(k || '' '' || a::text, E''\n'' ORDER BY k)) FROM (SELECT %s AS k, %s AS a FROM %s GROUP BY 1) AS x', key, aggregate, source) END;
CREATE FUNCTION plan_answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE query INTO answer;
	RETURN answer;
END $$;
-- Whether a plan has a node that fits; some things show only when it is run.
CREATE FUNCTION plan_has(query text, what jsonpath, run boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT JSON, TIMING OFF, ANALYZE %s) %s', run::text, query) INTO plan;
	RETURN plan @? what;
END $$;

-- The plain way: one process, everything sorted first.
SET max_parallel_workers_per_gather = 0;
SET enable_hashagg = off;
CREATE TABLE plan_answers AS
SELECT q.*, query, plan_answer(query) AS answer FROM plan_questions AS q, plan_query(aggregate, source, grouping_key) AS query;
SELECT count(*), count(answer), count(DISTINCT answer) FROM plan_answers;
SELECT count(*) FROM plan_answers WHERE plan_has(query, '$.** ? (@."Strategy" == "Hashed")');
RESET enable_hashagg;

-- From here on, all that is asked of the same table with the same groups is asked in one query:
-- what a parallel query costs here is above all the start of its workers.
CREATE FUNCTION plan_batch(aggregates text[], source text, key text) RETURNS text LANGUAGE sql
RETURN CASE WHEN key IS NULL
	THEN format('SELECT ARRAY[%s] FROM %s', (SELECT string_agg(format('md5(%s::text)', a), ', ' ORDER BY n) FROM unnest(aggregates) WITH ORDINALITY AS u (a, n)), source)
	ELSE format('SELECT ARRAY[%s] FROM (SELECT %s AS k, %s FROM %s GROUP BY 1) AS x',
		(SELECT string_agg(format('md5(string_agg(k || '' '' || a%s::text, E''\n'' ORDER BY k))', n), ', ' ORDER BY n) FROM generate_series(1, cardinality(aggregates)) AS n),
		key, (SELECT string_agg(format('%s AS a%s', a, n), ', ' ORDER BY n) FROM unnest(aggregates) WITH ORDINALITY AS u (a, n)), source) END;
CREATE TABLE plan_batches AS
SELECT source, grouping_key, array_agg(name ORDER BY name) AS names, array_agg(answer ORDER BY name) AS answers,
	plan_batch(array_agg(aggregate ORDER BY name), source, grouping_key) AS query
FROM plan_answers GROUP BY 1, 2;
SELECT count(*) AS batches, sum(cardinality(names)) AS questions FROM plan_batches;

CREATE VIEW plan_differences AS
SELECT q.name FROM plan_batches AS b, plan_answer(query) AS given, unnest(names, answers, given::text[]) AS q (name, answer, given)
WHERE q.given IS DISTINCT FROM q.answer ORDER BY q.name COLLATE "C";

-- Hashed, in memory.
SET enable_sort = off;
SET work_mem = '256MB';
SELECT grouping_key, bool_or(plan_has(query, '$.** ? (@."Strategy" == "Hashed" && @."HashAgg Batches" == 1)', true)) AS hashed
FROM plan_batches WHERE grouping_key IS NOT NULL GROUP BY 1 ORDER BY 1;
TABLE plan_differences;

-- Hashed, with so little memory that groups go to disk and come back.
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT names FROM plan_batches
WHERE grouping_key = 'customer_id' AND source IN ('plan_orders', 'plan_customers')
	AND NOT plan_has(query, '$.** ? (@."Strategy" == "Hashed" && @."HashAgg Batches" > 1)', true);
TABLE plan_differences;
RESET work_mem;
RESET hash_mem_multiplier;
RESET enable_sort;

-- Every partition by itself: wholly where it holds all of a group, partially where it does not.
SET enable_partitionwise_aggregate = on;
SELECT grouping_key = 'customer_id' AS whole_groups, bool_and(plan_has(query, CASE WHEN grouping_key = 'customer_id'
		THEN '$.** ? (@."Node Type" == "Append" && exists (@."Plans"[*] ? (@."Node Type" == "Aggregate" && @."Partial Mode" == "Simple")))'
		ELSE '$.** ? (@."Partial Mode" == "Partial")' END::jsonpath)) AS partition_wise
FROM plan_batches WHERE source IN ('plan_orders', 'plan_customers') AND grouping_key IS NOT NULL GROUP BY 1 ORDER BY 1;
TABLE plan_differences;

-- And in parallel, sorted and hashed.
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
CREATE FUNCTION plan_parallel() RETURNS SETOF text[] LANGUAGE sql
AS $$SELECT names FROM plan_batches WHERE source IN ('plan_orders', 'plan_customers') AND grouping_key IS DISTINCT FROM 'customer_id'
	AND NOT plan_has(query, '$.** ? (@."Node Type" like_regex "^Gather" && exists (@.** ? (@."Partial Mode" == "Partial")))')$$;
SELECT plan_parallel();
TABLE plan_differences;
SET enable_hashagg = off;
TABLE plan_differences;
RESET enable_hashagg;
SET enable_partitionwise_aggregate = off;
SET enable_sort = off;
SELECT plan_parallel();
TABLE plan_differences;
RESET enable_sort;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;

-- Several groupings at once, of which one state serves several; sorted, hashed, and mixed.
CREATE FUNCTION plan_grouping_sets() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	q record;
	three text;
	one text;
	answer text;
BEGIN
	FOR q IN SELECT DISTINCT aggregate, source FROM plan_answers WHERE grouping_key IS NOT NULL LOOP
		three := format('SELECT string_agg(concat_ws('' '', s, m, a::text), E''\n'' ORDER BY s, m) FROM
			(SELECT shop AS s, customer_id %% 11 AS m, %s AS a FROM %s GROUP BY GROUPING SETS ((shop, customer_id %% 11), (shop), ())) AS x',
			q.aggregate, q.source);
		one := format('SELECT string_agg(concat_ws('' '', s, m, a::text), E''\n'' ORDER BY s, m) FROM
			(SELECT shop AS s, customer_id %% 11 AS m, %1$s AS a FROM %2$s GROUP BY 1, 2
			UNION ALL SELECT shop, NULL, %1$s FROM %2$s GROUP BY 1 UNION ALL SELECT NULL, NULL, %1$s FROM %2$s) AS x',
			q.aggregate, q.source);
		answer := plan_answer(three);
		IF answer IS NULL OR answer IS DISTINCT FROM plan_answer(one) THEN
			RETURN NEXT q.aggregate;
		END IF;
	END LOOP;
END $$;
SELECT plan_grouping_sets();
SET enable_hashagg = off;
SELECT plan_grouping_sets();
RESET enable_hashagg;
SET enable_sort = off;
SELECT plan_grouping_sets();
RESET enable_sort;

-- However many groups there are, their states share memory contexts: for each new group the server goes over all there are.
SET enable_sort = off;
SET work_mem = '1GB';
SELECT customers, contexts < 1000 AS few_contexts FROM (
	SELECT customer_count(customer_base(h, ARRAY[n])) AS customers,
		(SELECT count(*) FROM pg_backend_memory_contexts WHERE n IS NOT NULL) AS contexts
	FROM generate_series(1, 2000) AS n, (SELECT h FROM plan_customers LIMIT 1) AS x GROUP BY n LIMIT 1) AS y;
RESET enable_sort;
RESET work_mem;

-- Over a window the state is read after every row and goes on to grow; where rows leave the
-- frame, it begins anew. Each row has what a query of its frame alone gives.
CREATE TABLE plan_rows AS
SELECT row_number() OVER (ORDER BY customer_id) AS n, * FROM plan_customers ORDER BY customer_id LIMIT 150;
CREATE TABLE plan_frames (frame text, since text, until text);
INSERT INTO plan_frames VALUES
	('ORDER BY n', '1', 'w.n'),
	('ORDER BY n ROWS 3 PRECEDING', 'w.n - 3', 'w.n'),
	('ORDER BY n ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING', 'w.n - 2', 'w.n + 2'),
	('ORDER BY n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'w.n', '150'),
	('ORDER BY n ROWS BETWEEN 5 PRECEDING AND 3 PRECEDING', 'w.n - 5', 'w.n - 3');
SELECT frame, count(*) FILTER (WHERE plan_answer(format(
		'SELECT count(*) FROM (SELECT n, (%s OVER (%s))::text AS a FROM plan_rows) AS w WHERE a IS DISTINCT FROM
			(SELECT (%s)::text FROM plan_rows AS r WHERE r.n BETWEEN %s AND %s)', aggregate, frame, aggregate,
		since, until)::text) <> '0') AS wrong, count(*) AS aggregates
FROM plan_frames, (SELECT DISTINCT aggregate FROM plan_answers WHERE source = 'plan_customers' AND name NOT LIKE 'clv_model%') AS a
GROUP BY frame ORDER BY frame COLLATE "C";

-- Aggregates that share one state: what one of them makes of it, the other does not see.
-- (Those below have the same transition function and argument, so the server keeps one state.)
SELECT count(*) AS groups, count(*) FILTER (WHERE base = base_alone AND model = model_alone AND again = base_alone) AS right
FROM (SELECT shop, customer_base(h) AS base, clv_model(h) AS model, customer_base(h) AS again FROM plan_customers GROUP BY shop) AS both_of_them
JOIN (SELECT shop, customer_base(h) AS base_alone FROM plan_customers GROUP BY shop) AS b USING (shop)
JOIN (SELECT shop, clv_model(h) AS model_alone FROM plan_customers GROUP BY shop) AS m USING (shop);
SELECT count(*) AS rows, count(*) FILTER (WHERE base = alone AND days > 0) AS right
FROM (SELECT n, customer_base(h) OVER w AS base, transaction_count(rollup(h) OVER w) AS days FROM plan_rows WINDOW w AS (ORDER BY n)) AS x
JOIN (SELECT n, customer_base(h) OVER (ORDER BY n) AS alone FROM plan_rows) AS y USING (n);

-- FILTER, DISTINCT and ORDER BY within an aggregate.
SELECT rollup(h) = rollup(h ORDER BY n DESC) AS ordered,
	rollup(h) FILTER (WHERE n <= 50) || rollup(h) FILTER (WHERE n > 50) = rollup(h) AS filtered,
	customer_base(DISTINCT h) = (SELECT customer_base(h) FROM (SELECT DISTINCT h FROM plan_rows) AS x) AS distinct_ones
FROM (SELECT n, h FROM plan_rows UNION ALL SELECT n, h FROM plan_rows WHERE n % 2 = 0) AS x;

-- Joined by value, with each of the three kinds of join.
CREATE FUNCTION plan_join() RETURNS text LANGUAGE sql
AS 'SELECT count(*) || '' '' || count(DISTINCT a.h) FROM plan_rows AS a JOIN plan_customers AS b ON a.h = b.h';
SELECT plan_join() AS any_join;
SET enable_hashjoin = off;
SELECT plan_join() AS merge_or_loop;
SET enable_mergejoin = off;
SELECT plan_join() AS loop;
RESET enable_hashjoin;
SET enable_nestloop = off;
SELECT plan_join() AS hash;
RESET enable_mergejoin;
RESET enable_nestloop;

-- What has not been finished is a value like another: read, sent, kept in a table, added, and gone on with.
CREATE AGGREGATE plan_unfinished(purchase_history) (SFUNC = customer_base_add, STYPE = customer_base);
CREATE AGGREGATE plan_unfinished(purchase_history, date, date, text) (SFUNC = clv_holdout_add, STYPE = clv_holdout);
CREATE FUNCTION plan_doubled(base customer_base) RETURNS customer_base LANGUAGE plpgsql
AS 'DECLARE copy customer_base := base; BEGIN copy := copy || base; RETURN copy; END';
CREATE TABLE plan_unfinished AS
SELECT shop, plan_unfinished(h) AS base, customer_base(h) AS finished,
	plan_unfinished(h, '2024-12-31', '2025-12-01', 'bg/nbd') AS half, holdout(h, '2024-12-31', '2025-12-01', 'bg/nbd') AS whole
FROM plan_customers GROUP BY shop;
SELECT count(*) AS shops, bool_and(base = finished) AS kept, bool_and(rolled_up) AS rolled_up
FROM (SELECT base, finished, (SELECT rollup(half) FROM (VALUES (half)) AS v(half)) = whole AS rolled_up FROM plan_unfinished) AS x;
SELECT plan_unfinished(h) = customer_base(h) AS equal, plan_unfinished(h)::text::customer_base::text = customer_base(h)::text AS text,
	customer_base_send(plan_unfinished(h)) = customer_base_send(customer_base(h)) AS sent,
	customer_base_hash(plan_unfinished(h)) = customer_base_hash(customer_base(h)) AS hashed,
	clv_fit(plan_unfinished(h), 'bg/nbd') = clv_fit(customer_base(h), 'bg/nbd') AS fitted,
	plan_doubled(plan_unfinished(h)) = customer_base(h) || customer_base(h) AS doubled,
	plan_unfinished(h, '2024-12-31', '2025-12-01', 'bg/nbd')::text::jsonb ->> 'fit' IS NULL AS not_fitted
FROM plan_customers;

DROP VIEW plan_differences;
DROP TABLE plan_orders, plan_customers, plan_questions, plan_answers, plan_batches, plan_rows, plan_frames, plan_unfinished;
DROP FUNCTION plan_query, plan_batch, plan_answer, plan_has, plan_parallel, plan_grouping_sets, plan_join, plan_doubled;
DROP AGGREGATE plan_unfinished(purchase_history), plan_unfinished(purchase_history, date, date, text);
