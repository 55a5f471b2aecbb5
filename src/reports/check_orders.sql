-- check_orders: what is wrong with a relation of orders

CREATE FUNCTION check_orders(orders regclass, customer_id name, ordered_at name, amount name DEFAULT NULL,
	order_id name DEFAULT NULL, as_of date DEFAULT NULL,
	OUT check_name text, OUT severity text, OUT rows bigint, OUT share double precision, OUT example text, OUT fix text)
RETURNS SETOF record
LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION check_orders(regclass, name, name, name, name, date) IS
'what is wrong with orders, from one pass over them: error (no scores can be made), warn (they would be wrong), info; how many rows, customers or days, their share, one of them, and what to do; no rows if nothing is';
