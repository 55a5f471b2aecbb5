-- A transaction that is read only: functions that write say so in their own name, and the others answer.

CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(hint, ''));
END $$;

CREATE SCHEMA read_only;
SET search_path = read_only, public;
CREATE TABLE few AS SELECT i % 40 AS customer_id, date '2024-01-01' + i * 37 % 500 AS ordered_at, 10.0 + i % 7 AS amount FROM generate_series(1, 200) AS i;
CREATE TABLE few_histories (customer_id int PRIMARY KEY, history purchase_history);
SELECT customers FROM load_orders('few_histories', 'few', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
SET client_min_messages = warning;
SELECT create_customer_scores('few_scores', 'few', 'customer_id', 'ordered_at', 'amount') AS customers;
SELECT create_customer_scores('few_kept', 'few', 'customer_id', 'ordered_at', 'amount', storage => 'table') AS customers;
RESET client_min_messages;
SELECT create_snapshots('few_snapshots', 'few_scores');
SELECT take_snapshot('few_snapshots', '2025-06-01') AS customers;

-- What writes is volatile, and there is no more of it than stands here.
CREATE TEMP TABLE writing (function text, statement text);
INSERT INTO writing VALUES
('load_orders', $$SELECT load_orders('few_histories', 'few', 'customer_id', 'ordered_at', 'amount', since => '-infinity')$$),
('create_customer_scores', $$SELECT create_customer_scores('more', 'few', 'customer_id', 'ordered_at', 'amount')$$),
('create_customer_scores', $$SELECT create_customer_scores('more', 'few', ARRAY['customer_id']::name[], 'ordered_at', 'amount', storage => 'table')$$),
('refresh_customer_scores', $$CALL refresh_customer_scores('few_scores')$$),
('refresh_customer_scores', $$CALL refresh_customer_scores('few_kept')$$),
('create_customer_audit', $$SELECT create_customer_audit('more', 'few', 'customer_id', 'ordered_at', 'amount')$$),
('create_snapshots', $$SELECT create_snapshots('more', 'few_scores')$$),
('take_snapshot', $$SELECT take_snapshot('few_snapshots', '2025-06-02')$$);
SELECT p.proname AS not_tried
FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'customer_centric'
	JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE (p.provolatile = 'v' OR p.prokind = 'p') AND p.proname NOT IN (SELECT function FROM writing);
BEGIN TRANSACTION READ ONLY;
SELECT function, pg_temp.answer(statement) FROM writing ORDER BY statement COLLATE "C";
ROLLBACK;

-- A temporary table may be written.
CREATE TEMP TABLE mine (customer_id int PRIMARY KEY, history purchase_history);
BEGIN TRANSACTION READ ONLY;
SELECT customers FROM load_orders('mine', 'few', 'customer_id', 'ordered_at', 'amount', since => '-infinity');
ROLLBACK;

-- What only reads does not mind.
BEGIN TRANSACTION READ ONLY;
SELECT count(*) > 0 AS checked FROM check_orders('few', 'customer_id', 'ordered_at', 'amount');
SELECT count(*) >= 0 AS looked FROM customer_triggers('few_scores', '2025-06-01');
SELECT snapshot_transitions('few_snapshots', '2025-06-01', '2025-06-01') IS NOT NULL AS compared;
ROLLBACK;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA read_only CASCADE;
