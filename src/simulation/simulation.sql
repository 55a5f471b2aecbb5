-- simulate_orders: the orders of simulated customers under a model

CREATE FUNCTION simulate_orders(customers bigint, model clv_model, since date, until date, seed bigint,
	covariates double precision[] DEFAULT NULL, OUT customer_id bigint, OUT ordered_at timestamp, OUT amount double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION simulate_orders(bigint, clv_model, date, date, bigint, double precision[]) IS
'orders in [since, until) of so many customers drawn from a model, the same for the same seed; amounts are NULL if it has no spend part';
