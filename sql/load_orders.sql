-- The nightly load: a window of the orders into a table of histories.

SET datestyle = ISO;
SET timezone = 'UTC';
CREATE SCHEMA nightly;
SET search_path = nightly, public;
CREATE TABLE nightly.orders (order_id int, customer_id int, ordered_at timestamptz, amount numeric(12, 2));
INSERT INTO nightly.orders VALUES
	(1, 1, '2026-01-05 10:00', 20), (2, 1, '2026-02-01 11:00', 30), (2, 1, '2026-02-01 11:00', 5.50), (3, 2, '2026-01-09 12:00', 40), (4, NULL, '2026-01-09 12:00', 50);
CREATE TABLE histories (customer_id int PRIMARY KEY, history purchase_history);

-- The first load takes everything; later ones a window. Rows without a customer or an amount are skipped, and counted.
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SELECT * FROM histories ORDER BY customer_id;
-- Again: nothing changes, and nothing is written.
SELECT string_agg(ctid || ' ' || xmin, ' ' ORDER BY customer_id) AS before FROM histories \gset
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SELECT string_agg(ctid || ' ' || xmin, ' ' ORDER BY customer_id) = :'before' AS nothing_written FROM histories;

-- A late order, a cancellation and a changed amount, and a new customer: their days are loaded again.
INSERT INTO nightly.orders VALUES (5, 1, '2026-01-31 23:00', 7), (6, 3, '2026-02-02', 9.99), (7, 3, '2026-02-02', NULL);
DELETE FROM nightly.orders WHERE order_id = 3;
UPDATE nightly.orders SET amount = 35 WHERE order_id = 2 AND amount = 30;
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-06');
-- (customer 2 has no order any more: the row stays, with an empty history)
SELECT * FROM histories ORDER BY customer_id;
-- Outside [since, until) nothing is touched.
UPDATE nightly.orders SET amount = amount + 1;
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-31', until => '2026-02-01');
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-02-01', until => '2026-02-01');
SELECT * FROM histories ORDER BY customer_id;

-- It is an INSERT of the caller's: triggers of the table run as in any other, for any owner of it.
CREATE ROLE histories_owner;
CREATE TABLE watched (customer_id int PRIMARY KEY, history purchase_history, loaded_by text DEFAULT current_user);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.loaded_by := current_user || ', by a trigger'; RETURN NEW; END $$;
CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION watch();
GRANT USAGE ON SCHEMA nightly TO histories_owner;
GRANT ALL ON SCHEMA nightly TO histories_owner;
ALTER TABLE watched OWNER TO histories_owner;
SELECT * FROM load_orders('watched', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SELECT DISTINCT loaded_by = current_user || ', by a trigger' AS as_the_caller FROM watched;
DROP TABLE watched;
DROP FUNCTION watch();

-- Triggers may drop rows, and change them: the counts are those of what was written.
CREATE TABLE guarded (customer_id int PRIMARY KEY, history purchase_history);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.customer_id % 2 = 0 THEN
		RETURN NULL;
	ELSIF NEW.customer_id % 3 = 0 THEN
		NEW.history := history_replace(NEW.history, '{"orders": []}', '-infinity', '2026-01-10');
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
CREATE TABLE guarded_orders AS SELECT c AS customer_id, date '2026-01-01' + i * 2 AS ordered_at, 5.0 AS amount FROM generate_series(1, 12) AS c, generate_series(0, 9) AS i;
SELECT * FROM load_orders('guarded', 'guarded_orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SELECT count(*) AS customers, sum(order_count(history)) AS orders FROM guarded;
DELETE FROM guarded_orders WHERE ordered_at > '2026-01-15';
SELECT * FROM load_orders('guarded', 'guarded_orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SELECT count(*) AS customers, sum(order_count(history)) AS orders FROM guarded;
DROP TABLE guarded, guarded_orders;
DROP FUNCTION guard();
REVOKE ALL ON SCHEMA nightly FROM histories_owner;
DROP ROLE histories_owner;

-- With order_id, rows of one order are one order of the day of the first: lines are added up.
-- A line that is booked later than the order itself is found by its own day.
INSERT INTO nightly.orders VALUES (1, 1, '2026-02-10', -4), (NULL, 1, '2026-02-11', 1), (NULL, 1, '2026-02-11', 2);
SELECT * FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', since => '2026-02-10');
SELECT * FROM histories ORDER BY customer_id;

-- The day of a timestamptz is that of the session's time zone, and so is the window.
CREATE TABLE zoned (customer_id int PRIMARY KEY, history purchase_history);
SET timezone = 'America/Havana';
CREATE TABLE midnights AS
SELECT 1 AS customer_id, timestamptz '2025-11-01 21:00' + i * interval '30 minutes' AS ordered_at, i AS amount FROM generate_series(0, 20) AS i;
SELECT customers, orders_added, (SELECT count(*) FROM midnights WHERE ordered_at::date >= '2025-11-02') AS orders
FROM load_orders('zoned', 'midnights', 'customer_id', 'ordered_at', 'amount', since => '2025-11-02');
SET timezone = 'Pacific/Kiritimati';
SELECT customers, orders_added, orders_removed FROM load_orders('zoned', 'midnights', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
RESET timezone;

-- Amounts may be left out, be float8, real or whole; the customer's key may have another name, and a type of its own.
CREATE TABLE kept ("Customer" text PRIMARY KEY, "history; --" purchase_history NOT NULL, note text DEFAULT 'mine');
CREATE TABLE log ("Customer" varchar(20), "on" date, "sum'a" float8, line real, n bigint);
INSERT INTO log VALUES ('a', '2026-01-01', 0.1, 9.95, 3), ('a', '2026-01-02', 0.2, 9.95, 4), ('b', '2026-01-02', 0.3, 9.95, 5);
SELECT * FROM load_orders('kept', 'log', 'Customer', 'on', since => '-infinity');
SELECT * FROM load_orders('kept', 'log', 'Customer', 'on', 'sum''a', since => '-infinity');
SELECT * FROM load_orders('kept', 'log', 'Customer', 'on', 'line', 'n', since => '2026-01-02');
SELECT * FROM kept ORDER BY 1;

-- The query gives what the load would write, to be read or put into dbt.
DELETE FROM log WHERE "Customer" = 'b';
SELECT load_orders_query('kept', 'log', 'Customer', 'on', 'line', since => '2026-01-02') AS query \gset
SELECT * FROM (:query) AS q;
SELECT load_orders_query('kept', 'log', 'Customer', 'on', 'line', since => '2026-01-02');

-- Nobody's functions and operators of the same name come between, however well they fit.
CREATE SCHEMA trap;
CREATE FUNCTION trap.sprung(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''captured''; END';
CREATE FUNCTION trap.sprung(date, date) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''captured''; END';
CREATE FUNCTION trap.sprung(purchase_history, purchase_history) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''captured''; END';
CREATE FUNCTION trap.history_replace(purchase_history, purchase_history, date, date) RETURNS purchase_history LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''captured''; END';
CREATE FUNCTION trap.timezone(text, timestamp) RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''captured''; END';
CREATE OPERATOR trap.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = trap.sprung);
CREATE OPERATOR trap.>= (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.sprung);
CREATE OPERATOR trap.< (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.sprung);
CREATE OPERATOR trap.= (LEFTARG = purchase_history, RIGHTARG = purchase_history, FUNCTION = trap.sprung);
CREATE OPERATOR trap.<> (LEFTARG = purchase_history, RIGHTARG = purchase_history, FUNCTION = trap.sprung);
SET search_path = trap, nightly, public, pg_catalog;
SELECT * FROM public.load_orders('nightly.kept', 'nightly.log', 'Customer', 'on', 'line', since => '2026-01-01');
SELECT * FROM public.load_orders('nightly.kept', 'nightly.log', 'Customer', 'on', 'sum''a', 'n', since => '2026-01-01', until => '2026-02-01');
SELECT * FROM public.load_orders('nightly.histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-02-01', until => '2026-03-01');
SET search_path = nightly, public;
SET client_min_messages = warning;
DROP SCHEMA trap CASCADE;
RESET client_min_messages;

-- What is wrong is said in one sentence.
CREATE TABLE no_index (customer_id int, history purchase_history);
SELECT load_orders('no_index', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01');
CREATE UNIQUE INDEX ON no_index (customer_id) WHERE customer_id > 0;
CREATE UNIQUE INDEX ON no_index ((customer_id + 1));
CREATE UNIQUE INDEX ON no_index (customer_id, history);
ALTER TABLE no_index ADD UNIQUE (customer_id) DEFERRABLE;
SELECT load_orders('no_index', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01');
SELECT load_orders('nightly.orders', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01');
CREATE TABLE two (customer_id int PRIMARY KEY, a purchase_history, b purchase_history);
SELECT load_orders('two', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01');
CREATE VIEW seen AS SELECT * FROM histories;
SELECT load_orders('seen', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01');
SELECT load_orders('histories', 'log', 'Customer', 'on', since => '2026-01-01');
CREATE TABLE by_name (name text PRIMARY KEY, history purchase_history);
SELECT load_orders('by_name', 'log', 'Customer', 'on', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', NULL, 'amount', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer', 'ordered_at', 'amount', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'ordered', 'amount', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'amount', 'amount', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'ordered_at', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', 'id', since => '2026-01-01');
SELECT load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-02', until => '2026-01-01');

-- Days that no timestamp can have are no error.
SELECT customers FROM load_orders('histories', 'nightly.orders', 'customer_id', 'ordered_at', 'amount', since => '300000-01-01', until => '400000-01-01');

-- An index on the time of the orders finds the window, whatever the type.
CREATE TABLE long_log AS SELECT i % 5000 AS customer_id, timestamptz '2020-01-01' + i * interval '1 hour' AS z, timestamp '2020-01-01' + i * interval '1 hour' AS t,
	date '2020-01-01' + i / 24 AS d FROM generate_series(1, 50000) AS i;
CREATE INDEX ON long_log (z); CREATE INDEX ON long_log (t); CREATE INDEX ON long_log (d);
ANALYZE long_log;
CREATE FUNCTION uses_index(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text ~ 'Index Name';
END $$;
SELECT t, uses_index(load_orders_query('histories', 'long_log', 'customer_id', t, since => '2025-09-01', until => '2025-09-05')) FROM unnest('{z,t,d}'::name[]) AS t;

--
-- Sixty nights: orders that come late, are cancelled, changed, paid back on another day; loads
-- that run twice, or not at all. Every night the histories are those that would be made from
-- scratch, to the byte, for orders as rows and for orders of several lines.
--
-- An order whose first line comes late moves into the window, and does not stay on the day of its later line; nor do
-- orders of the days that are loaded anew for it.
CREATE TABLE late_lines (order_id int, customer_id int, ordered_at date, amount numeric);
CREATE TABLE late_histories (customer_id int PRIMARY KEY, history purchase_history NOT NULL);
INSERT INTO late_lines VALUES (1, 7, '2025-02-01', 100), (2, 7, '2025-03-01', 10), (3, 7, '2025-04-01', 1);
SELECT customers, purchases_added, purchases_removed FROM load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '-infinity') AS l (customers, purchases_added, purchases_removed);
INSERT INTO late_lines VALUES (1, 7, '2025-01-31', 5), (2, 7, '2025-02-01', 20), (4, 7, '2025-05-01', 7);
SELECT load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01', until => '2025-02-01');
SELECT history FROM late_histories;
-- As of an earlier day a history knows all lines of its orders; scores of lines leave out those that came later.
SELECT create_customer_scores('late_of_lines', 'late_lines', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id', as_of => '2025-02-15');
SELECT create_customer_scores('late_of_histories', 'late_histories', 'customer_id', as_of => '2025-02-15');
SELECT l.total_spend AS of_lines, h.total_spend AS of_histories FROM late_of_lines AS l JOIN late_of_histories AS h USING (customer_id);
SET client_min_messages = warning;
DROP MATERIALIZED VIEW late_of_lines, late_of_histories CASCADE;
RESET client_min_messages;

-- What no history can hold names the customer, of lines of orders, too.
\set SHOW_CONTEXT errors
INSERT INTO late_lines VALUES (5, 8, '2025-05-01', 'NaN');
SELECT load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', since => '2025-05-01');
SELECT load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-05-01');
DELETE FROM late_lines WHERE customer_id = 8;

-- Orders that row security hides are not taken for cancelled.
CREATE ROLE hidden_reader;
GRANT USAGE ON SCHEMA nightly TO hidden_reader;
GRANT SELECT ON late_lines TO hidden_reader;
GRANT ALL ON late_histories TO hidden_reader;
ALTER TABLE late_lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON late_lines USING (order_id > 2);
SET ROLE hidden_reader;
SELECT load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01');
RESET ROLE;
-- Nor are those that a view does not show: as its caller reads it, or its owner, or a view within it.
GRANT CREATE ON SCHEMA nightly TO hidden_reader;
CREATE VIEW late_asked WITH (security_invoker) AS SELECT * FROM late_lines WHERE amount > 0;
CREATE VIEW late_nested WITH (security_invoker) AS WITH a AS (SELECT * FROM late_asked) SELECT * FROM a WHERE order_id IN (SELECT order_id FROM a);
CREATE VIEW late_owned AS SELECT * FROM late_lines;
CREATE VIEW late_all AS SELECT * FROM late_lines;
GRANT SELECT ON late_asked, late_nested, late_all TO hidden_reader;
ALTER VIEW late_owned OWNER TO hidden_reader;
SET ROLE hidden_reader;
SELECT load_orders('late_histories', 'late_asked', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01');
SELECT load_orders('late_histories', 'late_nested', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01');
SELECT load_orders('late_histories', 'late_owned', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01');
SELECT customers FROM load_orders('late_histories', 'late_all', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-01-01');
-- The reports say it.
SELECT relation, count(*) FILTER (WHERE check_name = 'hidden_rows') AS hidden FROM unnest('{late_lines,late_asked,late_nested,late_owned,late_all}'::regclass[]) AS relation,
	check_orders(relation, 'customer_id', 'ordered_at', 'amount') GROUP BY 1 ORDER BY 1;
SELECT create_customer_scores('late_scores', 'late_nested', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id');
SELECT create_customer_audit('late_audit', 'late_asked', 'customer_id', 'ordered_at', 'amount', order_id => 'order_id');
RESET ROLE;
SELECT history FROM late_histories;
ALTER TABLE late_histories ENABLE ROW LEVEL SECURITY;
CREATE POLICY others ON late_histories USING (customer_id > 7);
SET ROLE hidden_reader;
SELECT customers FROM load_orders('late_histories', 'late_lines', 'customer_id', 'ordered_at', 'amount', 'order_id', since => '2025-06-01');
RESET ROLE;
-- A table with children is refused: what is loaded would stand beside what is in them.
CREATE TABLE late_parent (customer_id int PRIMARY KEY, history purchase_history NOT NULL);
CREATE TABLE late_child () INHERITS (late_parent);
SELECT load_orders('late_parent', 'late_lines', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01');
DROP TABLE late_child;
SELECT customers FROM load_orders('late_parent', 'late_lines', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01');
-- A customer who does not fit into the key says where.
CREATE TABLE late_long AS SELECT 3000000000 AS customer_id, date '2025-01-01' AS ordered_at, 5 AS amount;
SELECT load_orders('late_parent', 'late_long', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01');
SELECT customers FROM load_orders('late_parent', 'late_long', 'customer_id', 'ordered_at', 'amount', since => '2025-01-02') AS outside_of_the_window;
CREATE TABLE late_short (customer_id numeric(5), history purchase_history NOT NULL, PRIMARY KEY (customer_id));
SELECT load_orders('late_short', 'late_long', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01');
-- One who would be stored as another does, too: the key must keep apart whom the orders do.
CREATE TABLE near_orders AS SELECT 9007199254740991 + i AS whole, (16777215 + i)::int AS small, 1.4 + i AS number, repeat('x', 63) || i AS word,
	timestamptz '2026-01-01 00:00:00.25' + i * interval '0.2 s' AS moment, date '2026-01-01' + i::int AS day, 5 AS amount FROM generate_series(0, 1) AS i;
CREATE DOMAIN short_number AS numeric(5,0);
CREATE FUNCTION load_into(key_type text, customer_id name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	hint text;
BEGIN
	EXECUTE format('CREATE TEMP TABLE near (customer_id %s PRIMARY KEY, history purchase_history)', key_type);
	EXECUTE format('SELECT l.customers FROM load_orders(''near'', ''near_orders'', %L, ''day'', ''amount'', since => ''-infinity'') AS l', customer_id) INTO answer;
	DROP TABLE near;
	RETURN answer;
EXCEPTION WHEN numeric_value_out_of_range OR datatype_mismatch OR string_data_right_truncation THEN
	GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', answer, regexp_replace(hint, 'pg_temp_\d+', 'pg_temp'));
END $$;
SELECT customer_id, key_type, regexp_replace(load_into(key_type, customer_id), 'pg_temp_\d+', 'pg_temp') AS answer FROM (VALUES
	('whole'::name, 'double precision'), ('whole', 'real'), ('whole', 'numeric'), ('whole', 'integer'), ('whole', 'numeric(16,0)'), ('small', 'double precision'), ('small', 'real'),
	('small', 'bigint'), ('small', 'numeric(9,1)'), ('number', 'double precision'), ('number', 'numeric(5,0)'), ('number', 'short_number'), ('number', 'numeric(5,1)'),
	('word', 'name'), ('word', 'text'), ('word', 'varchar(64)'), ('word', 'varchar(63)'),
	('moment', 'timestamptz'), ('moment', 'timestamptz(0)'), ('moment', 'timestamptz(2)'), ('day', 'timestamptz(0)')) AS v (customer_id, key_type);
DROP OWNED BY hidden_reader;
DROP ROLE hidden_reader;

CREATE TABLE sales (order_id int, customer_id int, ordered_at timestamptz, amount numeric);
CREATE TABLE by_row (customer_id int PRIMARY KEY, h purchase_history);
CREATE TABLE by_order (customer_id int PRIMARY KEY, h purchase_history);
CREATE VIEW wrong AS
SELECT 'row' AS what, customer_id FROM by_row FULL JOIN
	(SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM sales WHERE customer_id IS NOT NULL GROUP BY customer_id) AS scratch USING (customer_id)
WHERE coalesce(by_row.h, '{"orders": []}') <> coalesce(scratch.h, '{"orders": []}')
UNION ALL
SELECT 'order', customer_id FROM by_order FULL JOIN
	(SELECT customer_id, purchase_history(day, amount) AS h FROM (
		SELECT customer_id, min(ordered_at)::date AS day, sum(amount) AS amount FROM sales
		WHERE customer_id IS NOT NULL GROUP BY customer_id, order_id, CASE WHEN order_id IS NULL THEN ctid END) AS orders GROUP BY customer_id) AS scratch USING (customer_id)
WHERE coalesce(by_order.h, '{"orders": []}') <> coalesce(scratch.h, '{"orders": []}');

SET timezone = 'Europe/Oslo';
SELECT setseed(0.5);
CREATE TABLE nights (night date, wrong bigint, missed bigint, again bigint, skipped bigint);
DO $$
DECLARE
	night date;
	since date;
	missed bigint;
	again bigint;
	skipped bigint;
BEGIN
	FOR i IN 1 .. 60 LOOP
		night := date '2026-03-01' + i;		-- over the end of winter time
		since := night - (2 + (random() * 9)::int);
		-- today's orders, of one to three lines, and late ones
		INSERT INTO sales SELECT i * 1000 + n, (random() * 40)::int, night + random() * interval '1 day', round((random() * 100)::numeric, (random() * 3)::int)
		FROM generate_series(1, 20) AS n, generate_series(0, n % 3) AS line;
		INSERT INTO sales SELECT i * 1000 + 500 + n, (random() * 60)::int, since + random() * (night - since) * interval '1 day', round((random() * 100)::numeric, 2) FROM generate_series(1, 5) AS n;
		-- orders without a number, a customer or an amount
		INSERT INTO sales VALUES (NULL, 1, night, 5), (NULL, 1, night, 5), (i * 1000 + 900, NULL, night, 5), (i * 1000 + 901, 2, night, NULL);
		-- cancelled and changed: orders that began in the window
		DELETE FROM sales WHERE order_id IN (SELECT order_id FROM sales GROUP BY order_id HAVING min(ordered_at)::date >= since AND random() < 0.1);
		UPDATE sales SET amount = amount + 0.5 WHERE order_id IN (SELECT order_id FROM sales GROUP BY order_id HAVING min(ordered_at)::date >= since AND random() < 0.1);
		-- paid back, wholly or in part, as a row of its own or as a line of the order, of whatever age
		INSERT INTO sales SELECT CASE WHEN random() < 0.5 THEN order_id ELSE i * 1000 + 950 + row_number() OVER () END, customer_id, night + interval '5 hours', -round(amount / 2, 2)
		FROM sales WHERE random() < 0.02 AND order_id IS NOT NULL;
		CONTINUE WHEN i % 7 = 3;		-- nobody loaded; the next window is as long as it must be
		IF i % 7 = 4 THEN
			since := since - 12;
		END IF;
		SELECT count(*) INTO missed FROM wrong;
		PERFORM load_orders('by_row', 'sales', 'customer_id', 'ordered_at', 'amount', since => since, until => CASE WHEN i % 2 = 0 THEN night + 2 END);
		SELECT rows_skipped INTO skipped FROM load_orders('by_order', 'sales', 'customer_id', 'ordered_at', 'amount', 'order_id', since, CASE WHEN i % 3 = 0 THEN night + 2 END);
		SELECT sum(customers) INTO again FROM (SELECT customers FROM load_orders('by_row', 'sales', 'customer_id', 'ordered_at', 'amount', since => since)
			UNION ALL SELECT customers FROM load_orders('by_order', 'sales', 'customer_id', 'ordered_at', 'amount', 'order_id', since)) AS x;
		INSERT INTO nights SELECT night, (SELECT count(*) FROM wrong), missed, again, skipped;
	END LOOP;
END $$;
SELECT count(*) AS nights, sum(wrong) AS wrong, min(missed) > 0 AS always_something_to_do, sum(again) AS changed_by_a_second_load, min(skipped) > 0 AS skipped_are_counted FROM nights;

-- A small window of many orders: it is the fresh customers that the plan puts into a hash table, not all stored histories,
-- also where an order has several lines.
CREATE TABLE many AS SELECT i AS order_id, i % 20000 AS customer_id, timestamp '2025-01-01' + i * interval '10 minutes' AS ordered_at, 10.00 AS amount
FROM generate_series(1, 60000) AS i;
CREATE TABLE many_histories (customer_id int PRIMARY KEY, history purchase_history);
SELECT * FROM load_orders('many_histories', 'many', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
CREATE INDEX ON many (ordered_at);
ANALYZE many, many_histories;
CREATE FUNCTION hashed(query text) RETURNS TABLE (hashed text) LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT relation #>> '{}' FROM jsonb_path_query(plan, '$.** ? (@."Node Type" == "Hash").Plans[*]."Relation Name"') AS relation;
END $$;
SELECT count(*) FILTER (WHERE hashed = 'many_histories') AS histories
FROM hashed(load_orders_query('many_histories', 'many', 'customer_id', 'ordered_at', 'amount', since => '2026-02-20'));
SELECT count(*) FILTER (WHERE hashed = 'many_histories') AS histories, count(*) FILTER (WHERE hashed = 'many') AS orders
FROM hashed(load_orders_query('many_histories', 'many', 'customer_id', 'ordered_at', 'amount', 'order_id', '2026-02-20'));
