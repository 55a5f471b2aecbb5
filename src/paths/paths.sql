-- covariate_path: one customer's covariates over time

--@value covariate_path 1 1 int4 -- one customer''s covariates over time: steps, each from a day on
COMMENT ON FUNCTION covariate_path_in(cstring) IS 'internal: text input, JSON: {"steps": [["2026-01-01", 0, 1.5], ["2026-03-01", 1, null]]}, each a day and the covariates from then on';

--@merge covariate_path 5

CREATE FUNCTION covariate_path_add(covariate_path, date, double precision[]) RETURNS covariate_path
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION covariate_path_add(covariate_path, date, double precision[]) IS 'internal: adds one step';

CREATE AGGREGATE covariate_path(valid_from date, covariates double precision[]) (
--@aggregate covariate_path covariate_path_add 1000
COMMENT ON AGGREGATE covariate_path(date, double precision[]) IS
'the covariates of one customer over time: each row says those from a day on, until the day of the next; rows without a day are left out and counted, and a covariate that is NULL, NaN or infinite is not known';

--@rollup covariate_path path 1000 -- merges paths of one customer: all steps of all of them
--@union covariate_path -- the steps of both paths

CREATE FUNCTION path_steps(path covariate_path, OUT valid_from date, OUT valid_until date, OUT covariates double precision[])
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'covariate_path_steps';
COMMENT ON FUNCTION path_steps(covariate_path) IS
'the steps of a path: covariates in [valid_from, valid_until), which is NULL for the last; NULL for a covariate that is not known';

CREATE FUNCTION covariates_on(path covariate_path, day date) RETURNS double precision[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION covariates_on(covariate_path, date) IS 'the covariates of a day; NULL before the first step';

CREATE FUNCTION path_left_out(path covariate_path) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'covariate_path_left_out';
COMMENT ON FUNCTION path_left_out(covariate_path) IS 'rows that were left out, for they had no day';

-- path_base: customers with paths

--@value path_base 10 10 int4 -- customers whose covariates vary over time: what a fit needs of them
COMMENT ON FUNCTION path_base_in(cstring) IS 'internal: text input, JSON: {"covariates": 1, "customers": [["2026-01-05", 2, 40, 12.5, [1], [[0, 0], [31, 1]], 1]]}, each the first day, x, t_x in days, spend, sums of covariates, steps, and how many customers';

--@merge path_base 100

CREATE FUNCTION path_base_add(path_base, purchase_history, covariate_path) RETURNS path_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION path_base_add(path_base, purchase_history, covariate_path, date) RETURNS path_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION path_base_add(path_base, purchase_history, covariate_path) IS 'internal: adds one customer';
COMMENT ON FUNCTION path_base_add(path_base, purchase_history, covariate_path, date) IS 'internal: adds one customer, as of a day';

CREATE AGGREGATE path_base(history purchase_history, path covariate_path) (
--@aggregate path_base path_base_add 65536
COMMENT ON AGGREGATE path_base(purchase_history, covariate_path) IS
'customers with their covariates over time, observed until the last order of all; those without orders or without a path that says the covariates since the first order are left out and counted';

CREATE AGGREGATE path_base(history purchase_history, path covariate_path, until date) (
--@aggregate path_base path_base_add 65536
COMMENT ON AGGREGATE path_base(purchase_history, covariate_path, date) IS 'customers with their covariates over time, observed until this day';

--@rollup path_base base 65536 -- merges bases: all customers of all of them
--@union path_base -- the customers of both bases

CREATE FUNCTION customer_count(base path_base) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'path_base_customer_count';
COMMENT ON FUNCTION customer_count(path_base) IS 'customers of the base';

CREATE FUNCTION path_base_left_out(base path_base, OUT no_orders bigint, OUT no_path bigint) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION path_base_left_out(path_base) IS
'customers who were left out: without an order, and without a path that says the covariates of every day since the first order';

-- fit and scores

CREATE FUNCTION path_fit(base path_base, as_of date DEFAULT NULL, time_unit_days double precision DEFAULT 7,
	penalty double precision DEFAULT 0, covariate_names text[] DEFAULT NULL) RETURNS clv_model
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION path_fit(path_base, date, double precision, double precision, text[]) IS
'fits Pareto/NBD with covariates that vary over time, by maximum likelihood: coefficients of the purchase rate and of dropout; the arguments are those of clv_fit';

CREATE FUNCTION path_scores(history purchase_history, path covariate_path, model clv_model, as_of date DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	OUT alive_prob double precision, OUT churn_prob double precision, OUT expected_transactions double precision,
	OUT expected_transaction_value double precision, OUT clv_estimate double precision,
	OUT discounted_transactions double precision, OUT order_prob double precision, OUT score_status text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION path_scores(purchase_history, covariate_path, clv_model, date, integer, double precision, double precision) IS
'scores of a customer whose covariates vary over time, those of the days to come as the path says them, its last step holding on; discounted_transactions has no horizon';
