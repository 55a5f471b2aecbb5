-- The histories of all customers in parts, each built by a process of its own: the same scores, whatever the number of
-- parts, the key, and who builds them.

SET datestyle = ISO;
SET jit = off;

CREATE SCHEMA parts;
SET client_min_messages = warning;
CREATE TABLE parts.orders AS
SELECT customer_id, ordered_at, amount::numeric(12,2), 'S' || customer_id % 3 AS shop,
	CASE WHEN customer_id % 5 < 4 THEN 'DK' END AS country, 'C' || customer_id AS customer,
	CASE WHEN row_number() OVER () % 10 > 0 THEN row_number() OVER () / 2 END AS order_id,
	customer_id::text::char(9) AS padded, customer_id::numeric(12,1) AS number, md5(customer_id::text)::uuid AS id, ARRAY[customer_id] AS many,
	decode(md5(customer_id::text), 'hex') AS bytes, timestamptz '2020-01-01' + customer_id * interval '1 hour' AS moment, customer_id::text::xid8 AS big, customer_id % 2 = 1 AS odd
FROM simulate_orders(600, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
INSERT INTO parts.orders (ordered_at, amount) SELECT ordered_at, amount FROM parts.orders LIMIT 10;
ANALYZE parts.orders;

-- What the query looks like: the condition of a part is the only difference between two branches.
SELECT line FROM string_to_table(customer_scores_query('parts.orders', 'customer_id', 'ordered_at', 'amount', workers => 2), E'\n')
	WITH ORDINALITY AS l (line, number) WHERE number <= 15 ORDER BY number;

-- Two workers build them, and hand on what is finished.
SET parallel_setup_cost = 50;
SET parallel_leader_participation = off;
SET parallel_tuple_cost = 0.03;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION parts.plan(query text) RETURNS SETOF text AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF line ~ 'Gather|Append|HashAggregate|Seq Scan on orders' THEN RETURN NEXT line; END IF;
	END LOOP;
END $$ LANGUAGE plpgsql;
SELECT parts.plan(customer_scores_query('parts.orders', 'customer_id', 'ordered_at', 'amount', workers => 2));

-- Every customer once, with the same scores, for keys of any type that can be hashed, of one column or more, in groups, and
-- where rows with one id are one order.
CREATE FUNCTION parts.rows_of(query text) RETURNS TABLE (rows bigint, hash text) AS $$
BEGIN
	RETURN QUERY EXECUTE 'SELECT count(*), md5(string_agg(q::text, E''\n'' ORDER BY q::text COLLATE "C")) FROM (' || query || ') AS q';
END $$ LANGUAGE plpgsql;
CREATE TABLE parts.forms AS
SELECT form, customer_scores_query('parts.orders', keys, 'ordered_at', 'amount', order_id => id, group_by => groups, model => 'bg/nbd', workers => workers) AS query, workers
FROM (VALUES
	(1, ARRAY['customer_id']::name[], NULL::name, NULL::name[]), (2, '{customer}', NULL, NULL), (3, '{padded}', NULL, NULL),
	(4, '{number}', NULL, NULL), (5, '{id}', NULL, NULL), (6, '{many}', NULL, NULL), (7, '{shop,customer}', NULL, NULL),
	(8, '{customer_id}', 'order_id', NULL), (9, '{customer_id}', NULL, '{country}'), (10, '{shop,customer}', 'order_id', '{country}'),
	(11, '{bytes}', NULL, NULL), (12, '{moment}', NULL, NULL), (13, '{big}', NULL, NULL), (14, '{odd,customer}', NULL, NULL)
) AS f (form, keys, id, groups), unnest(ARRAY[1, 2, 3, 64]) AS workers WHERE workers < 64 OR form = 1;
SELECT f.form, min(r.rows) AS rows, count(*) AS queries, count(DISTINCT (r.rows, r.hash)) AS different
FROM parts.forms AS f CROSS JOIN LATERAL parts.rows_of(f.query) AS r GROUP BY f.form ORDER BY f.form;
-- (1 has a query of 64 parts, too)

-- The server can plan the query for every type of its own that can be hashed, and for domains and arrays of these.
CREATE FUNCTION parts.outcome(type text) RETURNS text AS $$
DECLARE query text;
BEGIN
	EXECUTE format('CREATE TABLE parts.of_type (customer_id %s, ordered_at date)', type);
	query := customer_scores_query('parts.of_type', 'customer_id', 'ordered_at', workers => 2);
	BEGIN
		EXECUTE 'EXPLAIN ' || query;
	EXCEPTION WHEN OTHERS THEN
		DROP TABLE parts.of_type;
		RETURN 'a query that fails: ' || SQLERRM;
	END;
	DROP TABLE parts.of_type;
	RETURN 'planned';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN '0A000' THEN 'refused: not hashed' ELSE 'refused' END;
END $$ LANGUAGE plpgsql;
CREATE TABLE parts.types AS
SELECT format_type(t.oid, NULL) AS type, parts.outcome(format_type(t.oid, NULL)) AS outcome
FROM pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r');
SELECT type, outcome FROM parts.types WHERE outcome ~ 'fails' ORDER BY type COLLATE "C";
CREATE DOMAIN parts.digest AS bytea;
CREATE TYPE parts.level AS ENUM ('low', 'high');
SELECT type, outcome FROM parts.types WHERE type IN ('bigint', 'text', 'bytea', 'timestamp with time zone', 'boolean', 'xid8', 'bytea[]', 'daterange', 'bit') UNION ALL
SELECT type, parts.outcome(type) FROM unnest(ARRAY['parts.digest', 'parts.digest[]', 'parts.level']) AS type ORDER BY type COLLATE "C";

-- Customers whose types compare equal are in one part, also where they look different.
CREATE TABLE parts.equals AS
SELECT number * (10::numeric ^ (i % 3)) / (10::numeric ^ (i % 3)) AS number, ordered_at, amount
FROM parts.orders, generate_series(1, 3) AS i WHERE customer_id <= 200;
SELECT count(DISTINCT r.hash) AS different, min(r.rows) FROM unnest(ARRAY[1, 2, 7]) AS w,
	parts.rows_of(customer_scores_query('parts.equals', 'number', 'ordered_at', 'amount', workers => w, columns => 'order_count')) AS r;

-- What stays is refreshed in the same parts.
SELECT create_customer_scores('parts.kept', 'parts.orders', 'customer_id', 'ordered_at', 'amount', storage => 'table', workers => 2);
SELECT create_customer_scores('parts.seen', 'parts.orders', ARRAY['shop', 'customer'], 'ordered_at', 'amount', group_by => 'country', workers => 3);
INSERT INTO parts.orders (customer_id, ordered_at, amount, shop, country, customer) SELECT 3000, date '2026-01-01', 10, 'S1', 'DK', 'C3000';
CALL refresh_customer_scores('parts.kept');
CALL refresh_customer_scores('parts.seen');
SELECT (SELECT count(*) FROM parts.kept) AS kept, (SELECT count(*) FROM parts.seen) AS seen,
	(SELECT count(*) FROM parts.kept_model) AS fits, (SELECT count(*) FROM parts.seen_model) AS fits_of_groups;
SELECT pg_get_viewdef('parts.kept_query'::regclass) ~ 'in_part' AS kept_in_parts, pg_get_viewdef('parts.seen'::regclass) ~ 'in_part' AS seen_in_parts;
RESET client_min_messages;

-- A hash falls into one part, of any number of them.
SELECT parts, count(*) FILTER (WHERE found = 1) AS in_one, count(*) AS hashes
FROM (SELECT parts, h, (SELECT count(*) FROM generate_series(0, parts - 1) AS p WHERE in_part(h, p, parts)) AS found
	FROM unnest(ARRAY[1, 2, 3, 7, 64]) AS parts, unnest(ARRAY[0, 1, -1, 2147483647, -2147483648, 123456789]) AS h) AS f GROUP BY parts ORDER BY parts;
SELECT in_part(0, -1, 2), in_part(0, 2, 2), in_part(-1, 2147483646, 2147483647), in_part(NULL, 0, 2);
SELECT in_part(1, 0, 0);

-- What makes no sense.
SELECT customer_scores_query('parts.orders', 'customer_id', 'ordered_at', workers => 0);
SELECT customer_scores_query('parts.orders', 'customer_id', 'ordered_at', workers => 65);
SELECT customer_scores_query('parts.orders', 'customer_id', 'ordered_at', workers => NULL);
CREATE TABLE parts.histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM parts.orders WHERE customer_id IS NOT NULL GROUP BY 1;
SELECT create_customer_scores('parts.of_histories', 'parts.histories', 'customer_id', workers => 2);
CREATE TABLE parts.unhashed AS SELECT customer_id::bit(32) AS customer_id, ordered_at FROM parts.orders WHERE customer_id IS NOT NULL;
SELECT customer_scores_query('parts.unhashed', 'customer_id', 'ordered_at', workers => 2);

RESET parallel_setup_cost;
RESET parallel_leader_participation;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SET client_min_messages = warning;
DROP SCHEMA parts CASCADE;
