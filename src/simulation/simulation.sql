-- simulate_orders: an order log of customers who live by a model

CREATE FUNCTION simulate_orders(customers bigint, model clv_model, since date, until date, seed bigint,
	OUT customer_id bigint, OUT ordered_at timestamp, OUT amount double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION simulate_orders(bigint, clv_model, date, date, bigint) IS
'orders in [since, until) of so many customers drawn from a model, the same for the same seed';
