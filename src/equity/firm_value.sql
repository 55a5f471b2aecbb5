-- firm_value: what the customers there are and those to come make the firm worth

CREATE FUNCTION firm_value(equity customer_equity, acquisition acquisition_model, model clv_model,
	acquisition_cost double precision, fixed_costs_per_year double precision DEFAULT 0, tax_rate double precision DEFAULT 0,
	net_debt double precision DEFAULT 0, non_operating_assets double precision DEFAULT 0, years double precision DEFAULT 10,
	level double precision DEFAULT 0.9, first_order_value double precision DEFAULT NULL,
	OUT part text, OUT value double precision, OUT low double precision, OUT high double precision, OUT status text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 8 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION firm_value(customer_equity, acquisition_model, clv_model, double precision, double precision, double precision, double precision, double precision, double precision, double precision, double precision) IS
'what a firm is worth by its customers: those there are without end, those acquired within so many years without end, less the present value of fixed costs of these years, less taxes, with non-operating assets and net debt; model is that of new customers, and the rest of the terms are those of the equity; status customers_left_out, not_converged or extrapolated: do not use it';

CREATE FUNCTION firm_value_sensitivity(equity customer_equity, acquisition acquisition_model, model clv_model,
	acquisition_cost double precision, fixed_costs_per_year double precision DEFAULT 0, tax_rate double precision DEFAULT 0,
	net_debt double precision DEFAULT 0, non_operating_assets double precision DEFAULT 0, years double precision DEFAULT 10,
	first_order_value double precision DEFAULT NULL,
	OUT assumption text, OUT change text, OUT firm_value double precision, OUT difference double precision)
RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 9 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION firm_value_sensitivity(customer_equity, acquisition_model, clv_model, double precision, double precision, double precision, double precision, double precision, double precision, double precision) IS
'the same with one assumption changed at a time: annual discount by two points, and margin, acquisition cost and acquisitions by ten per cent';
