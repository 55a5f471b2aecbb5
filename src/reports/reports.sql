-- customer_scores: the whole job as one query

CREATE FUNCTION customer_scores_query(orders regclass, customer_id name, ordered_at name, amount name DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, as_of date DEFAULT NULL, model text DEFAULT 'auto') RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_scores_query(regclass, name, name, name, integer, double precision, double precision, date, text) IS
'text of the query that scores every customer of an orders table; columns are given by name';

CREATE FUNCTION create_customer_scores(view_name text, orders regclass, customer_id name, ordered_at name,
	amount name DEFAULT NULL, horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, as_of date DEFAULT NULL, model text DEFAULT 'auto') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION create_customer_scores(text, regclass, name, name, name, integer, double precision, double precision, date, text) IS
'makes customer_scores_query a materialized view with a unique index and comments; gives the number of customers';
