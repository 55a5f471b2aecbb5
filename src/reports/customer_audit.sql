-- customer_audit: the five lenses as views

CREATE FUNCTION create_customer_audit(name_prefix text, orders regclass, customer_id name, ordered_at name, amount name,
	profit name DEFAULT NULL, grain text DEFAULT 'quarter', since date DEFAULT NULL, until date DEFAULT NULL,
	order_id name DEFAULT NULL, replace boolean DEFAULT false) RETURNS text[]
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION create_customer_audit(text, regclass, name, name, name, name, text, date, date, name, boolean) IS
'makes plain views over an orders table: name_prefix_deciles, _change, _cohorts, _c3 and _base_health, with a comment on every column; gives their names';
