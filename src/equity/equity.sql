-- customer_equity: what the customers there are will be worth

--@value customer_equity 1 1 double -- what the customers there are will be worth, by horizon, with what an interval takes
COMMENT ON FUNCTION customer_equity_in(cstring) IS 'internal: text input, JSON';

-- aggregation: histories to equity, equity to equity

CREATE FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model) RETURNS customer_equity
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model, double precision, double precision)
RETURNS customer_equity
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model, double precision, double precision, date)
RETURNS customer_equity
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_equity_merge(customer_equity, customer_equity) RETURNS customer_equity
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_equity_final(customer_equity) RETURNS customer_equity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model) IS 'internal: adds one customer';
COMMENT ON FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model, double precision, double precision) IS
'internal: adds one customer, at a margin and a discount';
COMMENT ON FUNCTION customer_equity_add(customer_equity, purchase_history, clv_model, double precision, double precision, date) IS
'internal: adds one customer as they stood on a day';
COMMENT ON FUNCTION customer_equity_merge(customer_equity, customer_equity) IS
'internal: the customers of both (implementation of || operator)';
COMMENT ON FUNCTION customer_equity_final(customer_equity) IS 'internal: the finished value';

CREATE AGGREGATE customer_equity(history purchase_history, model clv_model) (
--@aggregate customer_equity customer_equity_add 65536
COMMENT ON AGGREGATE customer_equity(purchase_history, clv_model) IS
'what these customers will spend, by horizon, discounted by ten per cent a year';

CREATE AGGREGATE customer_equity(history purchase_history, model clv_model, margin double precision,
	annual_discount double precision) (
--@aggregate customer_equity customer_equity_add 65536
COMMENT ON AGGREGATE customer_equity(purchase_history, clv_model, double precision, double precision) IS
'what these customers will be worth, by horizon: spend times margin, discounted continuously at an annual rate';

CREATE AGGREGATE customer_equity(history purchase_history, model clv_model, margin double precision,
	annual_discount double precision, as_of date) (
--@aggregate customer_equity customer_equity_add 65536
COMMENT ON AGGREGATE customer_equity(purchase_history, clv_model, double precision, double precision, date) IS
'what these customers, as they stood on a day, will be worth from then on, by horizon';

--@rollup customer_equity equity 65536 -- merges the equity of different customers on the same terms: regions, segments, shards
--@union customer_equity -- the customers of both, on the same terms

-- what it tells

CREATE FUNCTION equity_by_horizon(equity customer_equity, level double precision DEFAULT 0.9,
	OUT horizon_years double precision, OUT value double precision, OUT low double precision,
	OUT high double precision, OUT alive_customers double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION equity_by_horizon(customer_equity, double precision) IS
'value of the customers within 1, 3, 5 and 10 years and without end (horizon_years is NULL), with the interval that the uncertainty of the parameters leaves, and how many customers are expected to be alive today; status customers_left_out: of more than one in a hundred with orders the value is not known (equity_left_out), and this is that of the others';

CREATE FUNCTION customer_count(equity customer_equity) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'customer_equity_customer_count';
COMMENT ON FUNCTION customer_count(customer_equity) IS 'customers that were valued';

CREATE FUNCTION equity_left_out(equity customer_equity, OUT reason text, OUT customer_count bigint) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION equity_left_out(customer_equity) IS
'customers whose value the model cannot tell, by reason, as score_status words them; no_orders are those without an order until the day, also if they have later ones';
