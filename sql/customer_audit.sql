-- create_customer_audit: the five lenses as plain views.
SET datestyle = ISO;
SET extra_float_digits = -3;
CREATE SCHEMA shop;
CREATE DOMAIN shop.money_amount AS numeric(12, 2);
CREATE TABLE shop."Orders" ("Customer" text, "at" timestamp, total shop.money_amount, gain real);
INSERT INTO shop."Orders"
SELECT c, d + time '12:00', a, p FROM (VALUES
	('1', date '2023-01-10', 100, 40), ('1', '2023-04-10', 120, 50), ('1', '2024-02-01', 80, 30), ('1', '2024-09-15', 100, 45),
	('2', '2023-02-05', 50, 20), ('2', '2024-03-05', 60, 20),
	('3', '2023-03-20', 200, 90),
	('4', '2023-07-01', 30, 10), ('4', '2023-08-01', 30, 10), ('4', '2023-09-01', 40, 15), ('4', '2024-07-01', 30, 5), ('4', '2024-08-15', 20, 5),
	('5', '2024-01-15', 150, 70),
	('6', '2024-05-05', 40, 15), ('6', '2024-06-05', 45, 15), ('6', '2024-12-24', 60, 25),
	('7', '2022-11-11', 75, 30), ('7', '2024-11-11', 90, 35),
	('8', '2023-12-30', 10, -5), ('8', '2024-01-02', 25, 5), (NULL, '2024-01-02', 1000, 0)) AS o (c, d, a, p);

\set SHOW_CONTEXT never
SELECT create_customer_audit('shop."Audit"', 'shop."Orders"', 'Customer', 'at', 'total', 'gain', grain => 'year', until => '2025-01-01');
SELECT decile, customers, orders, spend, profit, low_value FROM shop."Audit_deciles" WHERE customers > 0;
SELECT group_name, customers, spend_change, profit_1, profit_2, profit_change FROM shop."Audit_change";
SELECT cohort, cohort_size, age, active, share_active, spend, profit, spend_per_customer, second_order_customers FROM shop."Audit_cohorts" ORDER BY cohort, age;
SELECT cohort, period_start, active, spend, profit FROM shop."Audit_c3" ORDER BY period_start, cohort;
SELECT * FROM shop."Audit_base_health";

-- Every view and every column has a comment, and every column a type of the server's own.
SELECT count(*) AS columns, count(col_description(attrelid, attnum)) AS commented, string_agg(DISTINCT format_type(atttypid, NULL), ', ') AS types,
	count(DISTINCT attrelid) AS views, count(DISTINCT obj_description(attrelid, 'pg_class')) AS comments
FROM pg_attribute WHERE attrelid::regclass::text LIKE 'shop."Audit\_%' AND attnum > 0;

-- Without more: by spend, by quarter, up to the last order. What is later ordered is in the views.
SELECT create_customer_audit('audit', 'shop."Orders"', 'Customer', 'at', 'total');
SELECT sum(customers) AS customers, sum(spend) AS spend, count(profit) AS profits FROM audit_deciles;
SELECT max(period_start) FROM audit_base_health;
INSERT INTO shop."Orders" VALUES ('9', '2025-01-02', 77, 7), ('9', '2025-04-02', 5, 5);
SELECT sum(customers) AS customers, sum(spend) AS spend FROM audit_deciles;
SELECT max(period_start) FROM audit_base_health;
-- Data that begin on a day: customers who came earlier are the cohort before.
SELECT create_customer_audit('later', 'shop."Orders"', 'Customer', 'at', 'gain', since => '2024-01-01', grain => 'year');
SELECT cohort, period_start, active, spend FROM later_c3;
SELECT cohort, cohort_size, age, active FROM later_cohorts;

-- Refunds before the first order are in the period where they happened, and customers with nothing but refunds in both of deciles and change.
CREATE TABLE shop.refunds AS SELECT * FROM (VALUES (1, date '2023-06-01', -40, -10), (1, '2024-02-01', 100, 30), (2, '2023-03-01', 60, 20), (2, '2024-03-01', -60, -20),
	(3, '2024-05-01', -15, -5), (4, '2023-07-01', -9, -3), (5, '2024-08-01', 70, 10), (5, '2024-09-01', -20, -5)) AS o (customer, day, amount, profit);
SELECT create_customer_audit('refunds', 'shop.refunds', 'customer', 'day', 'amount', 'profit', grain => 'year', until => '2025-01-01');
SELECT decile, customers, orders, spend, profit, share_spend FROM refunds_deciles WHERE customers > 0;
SELECT group_name, customers, orders_2, spend_1, spend_2, profit_2 FROM refunds_change;
SELECT d.orders = c.orders AS orders, d.spend = c.spend AS spend, d.profit = c.profit AS profit
FROM (SELECT sum(orders) AS orders, sum(spend) AS spend, sum(profit) AS profit FROM refunds_deciles) AS d,
	(SELECT sum(orders_2) AS orders, sum(spend_2) AS spend, sum(profit_2) AS profit FROM refunds_change) AS c;
SELECT cohort, age, active, spend, profit FROM refunds_cohorts;
SELECT cohort, period_start, active, spend, profit FROM refunds_c3 ORDER BY period_start, cohort;
SELECT period_start, active, new_customers, spend, share_spend_new FROM refunds_base_health;
SELECT bool_and(b.spend = (SELECT sum(amount) FROM shop.refunds WHERE date_trunc('year', day) = b.period_start)) AS ledger FROM refunds_base_health AS b;

-- Lines of orders: an order is what they sum up to, on the day of the first.
CREATE TABLE shop.lines AS
SELECT "Customer" AS customer, "at" + line * interval '1 day' AS at, total / 2 AS total, gain / 2 AS gain, o.n AS order_no
FROM (SELECT *, row_number() OVER () AS n FROM shop."Orders" WHERE "Customer" IS NOT NULL) AS o, generate_series(0, 1) AS line;
UPDATE shop.lines SET order_no = NULL, total = total * 2, gain = gain * 2 WHERE order_no = 1;
DELETE FROM shop.lines WHERE order_no IS NULL AND at <> (SELECT min(at) FROM shop.lines WHERE order_no IS NULL);
SELECT create_customer_audit('of_lines', 'shop.lines', 'customer', 'at', 'total', 'gain', 'year', until => '2025-01-01', order_id => 'order_no');
SELECT (SELECT count(*) FROM (TABLE of_lines_deciles EXCEPT TABLE shop."Audit_deciles") AS x) AS deciles, (SELECT count(*) FROM (TABLE of_lines_change EXCEPT TABLE shop."Audit_change") AS x) AS change,
	(SELECT count(*) FROM (TABLE of_lines_c3 EXCEPT TABLE shop."Audit_c3") AS x) AS c3, (SELECT count(*) FROM of_lines_c3) AS of;
-- Columns may be called as those of the orders that lines are put together to.
CREATE VIEW shop.called AS SELECT customer AS profit, at AS amount, total AS ordered_on, gain AS customer, order_no AS history FROM shop.lines;
SELECT create_customer_audit('called_profit', 'shop.called', 'profit', 'amount', 'ordered_on', 'customer', 'year', until => '2025-01-01', order_id => 'history');
SELECT (SELECT count(*) FROM (TABLE of_lines_deciles EXCEPT TABLE called_profit_deciles) AS x) AS deciles;
DROP VIEW shop.called CASCADE;
CREATE VIEW shop.called AS SELECT customer AS ordered_on, customer AS amount, at, total, order_no FROM shop.lines;
SELECT create_customer_audit('called_' || name, 'shop.called', name, 'at', 'total', grain => 'year', until => '2025-01-01', order_id => 'order_no') FROM unnest('{ordered_on,amount}'::name[]) AS name;
DROP VIEW shop.called CASCADE;
SELECT create_customer_audit('of_rows', 'shop.lines', 'customer', 'at', 'total', 'gain', 'year', until => '2025-01-01', order_id => 'no_such');

-- Made anew in its place, with the rights that were granted; nothing else is replaced, and nothing if one cannot be.
GRANT SELECT ON of_lines_change TO PUBLIC;
SELECT create_customer_audit('of_lines', 'shop."Orders"', 'Customer', 'at', 'total', grain => 'year', until => '2025-01-01', replace => true);
SELECT count(profit_1) AS profits, has_table_privilege('public', 'of_lines_change', 'SELECT') AS granted FROM of_lines_change;
CREATE VIEW rows_change AS SELECT 1 AS a;
CREATE TABLE rows_c3 (a int);
SELECT create_customer_audit('rows', 'shop."Orders"', 'Customer', 'at', 'total');
SELECT create_customer_audit('rows', 'shop."Orders"', 'Customer', 'at', 'total', replace => true);
DROP VIEW rows_change;
SELECT create_customer_audit('rows', 'shop."Orders"', 'Customer', 'at', 'total', replace => true);
SELECT count(*) FROM pg_class WHERE relname LIKE 'rows\_%' AND relkind = 'v';
DROP TABLE rows_c3;

-- What is said of the orders: no day, no amount, lines, a till, ids of orders, days to come; and days that leave the views empty.
CREATE TABLE shop.doubtful AS SELECT least(i / 4, 60) AS customer, date '2018-01-01' + i / 4 * 2 AS day, CASE WHEN i % 50 = 0 THEN NULL ELSE 10 END AS amount, 1::float8 AS gain FROM generate_series(1, 2000) AS i;
INSERT INTO shop.doubtful VALUES (3, NULL, 5, 1);
SELECT create_customer_audit('doubtful', 'shop.doubtful', 'customer', 'day', 'amount', since => '2030-01-01');
-- What since does not shorten is said.
SELECT count(*) FROM create_customer_audit('half_a_year', 'shop."Orders"', 'Customer', 'at', 'total', since => '2025-01-01', until => '2025-07-01');
CREATE TABLE shop.single AS SELECT i AS customer, date '2024-01-01' + i AS day, 10 AS amount FROM generate_series(1, 30) AS i;
SELECT create_customer_audit('single', 'shop.single', 'customer', 'day', 'amount', until => '2023-01-01');
SELECT create_customer_audit('single', 'shop.single', 'customer', 'day', 'amount', until => '2026-01-01', replace => true);
INSERT INTO shop.single VALUES (1, '9999-12-31', 10), (2, '0001-01-01', 10);
\set VERBOSITY terse
SELECT create_customer_audit('single', 'shop.single', 'customer', 'day', 'amount', grain => 'week', replace => true);
\set VERBOSITY default
UPDATE shop.doubtful SET gain = 'NaN' WHERE customer = 7;
SELECT create_customer_audit('doubtful', 'shop.doubtful', 'customer', 'day', 'amount', 'gain', replace => true);
UPDATE shop.doubtful SET day = 'infinity' WHERE customer = 8;
SELECT create_customer_audit('doubtful', 'shop.doubtful', 'customer', 'day', 'amount', 'gain', replace => true);

-- Who may not read the orders is told so. A right on the columns that are named is enough.
CREATE ROLE regress_auditor;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_auditor;
GRANT SELECT ("Customer", "at") ON shop."Orders" TO regress_auditor;
SET ROLE regress_auditor;
SELECT create_customer_audit('shop.theirs', 'shop."Orders"', 'Customer', 'at', 'total');
RESET ROLE;
GRANT SELECT (total) ON shop."Orders" TO regress_auditor;
SET ROLE regress_auditor;
SELECT cardinality(create_customer_audit('shop.theirs', 'shop."Orders"', 'Customer', 'at', 'total')) AS views;
SELECT count(*) FROM shop.theirs_deciles;
RESET ROLE;
DROP OWNED BY regress_auditor;
DROP ROLE regress_auditor;

-- Rival functions and operators in front of ours do not win.
CREATE SCHEMA rival;
CREATE FUNCTION rival.purchase_history_sfunc(int, timestamp, shop.money_amount) RETURNS int LANGUAGE sql RETURN 1;
CREATE AGGREGATE rival.purchase_history(timestamp, shop.money_amount) (SFUNC = rival.purchase_history_sfunc, STYPE = int);
CREATE AGGREGATE public.purchase_history(timestamp, shop.money_amount) (SFUNC = rival.purchase_history_sfunc, STYPE = int);
CREATE FUNCTION rival.minus(float8, float8) RETURNS float8 LANGUAGE sql RETURN 666;
CREATE OPERATOR rival.- (LEFTARG = float8, RIGHTARG = float8, FUNCTION = rival.minus);
CREATE FUNCTION rival.max(date) RETURNS date LANGUAGE sql RETURN date '1999-01-01';
SET search_path = rival, pg_catalog, public;
SELECT create_customer_audit('public.guarded', 'shop."Orders"', 'Customer', 'at', 'total', 'gain', grain => 'year', until => '2025-01-01');
RESET search_path;
SELECT bool_and(g = a) AS same FROM guarded_change AS g JOIN shop."Audit_change" AS a USING (group_name);
SELECT count(*) FROM (SELECT * FROM guarded_deciles EXCEPT SELECT * FROM shop."Audit_deciles") AS x;

-- What is wrong is said.
SELECT create_customer_audit('x', 'shop."Orders"', 'customer', 'at', 'total');
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'Customer', 'total');
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'at', 'Customer');
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'at', NULL);
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'at', 'total', grain => 'day');
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'at', 'total', since => '2025-01-01', until => '2024-01-01');
SELECT create_customer_audit('x', 'shop."Orders"', 'Customer', 'at', 'total', until => 'infinity');
SELECT create_customer_audit(repeat('x', 60), 'shop."Orders"', 'Customer', 'at', 'total');
SELECT create_customer_audit('audit', 'shop."Orders"', 'Customer', 'at', 'total');
-- A table without orders: views without rows.
CREATE TABLE shop.none (c int, d date, a int);
SELECT create_customer_audit('none', 'shop.none', 'c', 'd', 'a');
SELECT (SELECT count(*) FROM none_deciles) AS deciles, (SELECT count(*) FROM none_change) AS change, (SELECT count(*) FROM none_c3) AS c3;

SET client_min_messages = warning;
DROP SCHEMA shop, rival CASCADE;
DROP VIEW IF EXISTS public.guarded_deciles CASCADE;

-- Orders without a profit are counted.
SET client_min_messages = notice;
CREATE TABLE some_profit AS SELECT i AS c, date '2025-01-01' + i % 300 + k AS d, 10.0 AS amount, CASE WHEN i > 50 + 100 * (1 - k) THEN 3.0 END AS profit
FROM generate_series(1, 200) AS i, generate_series(0, 1) AS k;
SELECT create_customer_audit('some_profit', 'some_profit', 'c', 'd', 'amount', 'profit', grain => 'year');
-- A row without an amount is left out, and its profit with it: of all views, of single orders and of lines.
CREATE TABLE no_amount (c int, d date, amount numeric, profit numeric, id int);
INSERT INTO no_amount VALUES (1, '2025-06-01', 100, 40, 1), (1, '2025-07-01', NULL, 5000, 2), (2, '2025-03-01', 30, 10, 3), (2, '2025-03-01', NULL, 700, 3), (3, '2025-02-01', NULL, NULL, 4), (1, '2024-05-01', NULL, 600, 5), (2, '2024-06-01', 20, 8, 6);
SELECT create_customer_audit('single', 'no_amount', 'c', 'd', 'amount', 'profit', grain => 'year', until => '2026-01-01');
SELECT create_customer_audit('lined', 'no_amount', 'c', 'd', 'amount', 'profit', grain => 'year', until => '2026-01-01', order_id => 'id');
SELECT v, customers, orders, spend, profit, margin FROM (SELECT 'single' AS v, * FROM single_deciles UNION ALL SELECT 'lined', * FROM lined_deciles) AS t WHERE customers > 0 ORDER BY v, decile;
SELECT 'single' AS v, sum(profit) AS cohorts, (SELECT sum(profit) FROM single_c3) AS c3, (SELECT sum(profit_1) FROM single_change) AS profit_1, (SELECT sum(profit_2) FROM single_change) AS profit_2 FROM single_cohorts
UNION ALL SELECT 'lined', sum(profit), (SELECT sum(profit) FROM lined_c3), (SELECT sum(profit_1) FROM lined_change), (SELECT sum(profit_2) FROM lined_change) FROM lined_cohorts;

-- What is replaced keeps its options, and comments that are the user's; ours are made anew.
ALTER VIEW single_deciles SET (security_barrier = true);
COMMENT ON VIEW single_c3 IS 'mine';
COMMENT ON COLUMN single_c3.spend IS 'in EUR';
COMMENT ON COLUMN single_cohorts.profit IS NULL;
SELECT create_customer_audit('single', 'no_amount', 'c', 'd', 'amount', grain => 'month', until => '2026-01-01', replace => true);
SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'single\_%' AND reloptions IS NOT NULL ORDER BY 1;
SELECT obj_description('single_c3'::regclass) AS c3, col_description('single_c3'::regclass, attnum::int) AS spend, obj_description('single_cohorts'::regclass) ~ 'month' AS by_month FROM pg_attribute WHERE attrelid = 'single_c3'::regclass AND attname = 'spend';
SELECT count(*) AS without FROM pg_attribute AS a, (VALUES ('single_deciles'), ('single_change'), ('single_cohorts'), ('single_c3'), ('single_base_health')) AS v(name) WHERE attrelid = name::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
-- Views of another role are not replaced.
CREATE ROLE audit_other;
ALTER VIEW single_c3 OWNER TO audit_other;
SELECT create_customer_audit('single', 'no_amount', 'c', 'd', 'amount', until => '2026-01-01', replace => true);
DROP OWNED BY audit_other CASCADE;
DROP ROLE audit_other;
