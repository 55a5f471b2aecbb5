-- load_orders: the nightly load of a window of the orders into a table of histories

CREATE FUNCTION load_orders_query(histories regclass, orders regclass, customer_id name, ordered_at name,
	amount name DEFAULT NULL, order_id name DEFAULT NULL, since date DEFAULT NULL, until date DEFAULT NULL) RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION load_orders_query(regclass, regclass, name, name, name, name, date, date) IS
'text of the query that gives the customers whose stored histories load_orders would change, and their new histories';

CREATE FUNCTION load_orders(histories regclass, orders regclass, customer_id name, ordered_at name,
	amount name DEFAULT NULL, order_id name DEFAULT NULL, since date DEFAULT NULL, until date DEFAULT NULL,
	OUT customers bigint, OUT orders_added bigint, OUT orders_removed bigint, OUT rows_skipped bigint) RETURNS record
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION load_orders(regclass, regclass, name, name, name, name, date, date) IS
'replaces the window [since, until) of stored histories by the orders as they are now; returns the number of histories changed, of orders added and removed, and of rows skipped';
