-- clv_model: a fitted model, and what it says of a customer

CREATE TYPE clv_model;

CREATE FUNCTION clv_model_in(cstring) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_model_out(clv_model) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_model_recv(internal) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_model_send(clv_model) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE clv_model (
	INPUT = clv_model_in, OUTPUT = clv_model_out,
	RECEIVE = clv_model_recv, SEND = clv_model_send,
	ALIGNMENT = double, STORAGE = main
);

COMMENT ON TYPE clv_model IS 'a model of when customers order and what an order is worth, with its parameters';
COMMENT ON FUNCTION clv_model_in(cstring) IS 'text input, JSON: {"model": "bg/nbd", "timing": {"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}, "spend": {"p": 6, "q": 4, "gamma": 15}}';
COMMENT ON FUNCTION clv_model_out(clv_model) IS 'text output, JSON';
COMMENT ON FUNCTION clv_model_recv(internal) IS 'binary input';
COMMENT ON FUNCTION clv_model_send(clv_model) IS 'binary output';

-- fitting

CREATE FUNCTION clv_fit(base customer_base, model text DEFAULT 'auto', as_of date DEFAULT NULL,
	time_unit_days double precision DEFAULT 7, penalty double precision DEFAULT 0,
	covariate_names text[] DEFAULT NULL) RETURNS clv_model
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_fit(customer_base, text, date, double precision, double precision, text[]) IS
'fits a model by maximum likelihood: the one of this name, or, if auto, the one with the lowest BIC; as_of is the end of observation, by default the base''s; penalty is an L2 penalty on the logarithms of parameters and on coefficients';

CREATE FUNCTION fit_problem(base customer_base, as_of date DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fit_problem(customer_base, date) IS 'why no model can be fitted to the base; NULL if one can';

CREATE FUNCTION clv_model_final(customer_base) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_model_final(customer_base) IS 'aggregate support: the model fitted to the base';

CREATE AGGREGATE clv_model(history purchase_history) (
	SFUNC = customer_base_add, STYPE = customer_base,
	FINALFUNC = clv_model_final, COMBINEFUNC = customer_base_merge,
	SSPACE = 65536, PARALLEL = SAFE
);
COMMENT ON AGGREGATE clv_model(purchase_history) IS 'the model fitted to these customers: clv_fit(customer_base(history))';

-- what a fit tells of itself

CREATE FUNCTION clv_params(model clv_model, OUT part text, OUT param text, OUT estimate double precision,
	OUT std_error double precision, OUT low double precision, OUT high double precision, OUT identified boolean)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 7 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_params(clv_model) IS
'parameters and coefficients with standard errors and 95 % intervals (NULL where the data do not tell)';

CREATE FUNCTION clv_candidates(model clv_model, OUT model text, OUT param_count integer, OUT converged boolean,
	OUT log_likelihood double precision, OUT bic double precision, OUT chosen boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 6 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_candidates(clv_model) IS 'the models that clv_fit(base, ''auto'') has tried, with their figures';

CREATE FUNCTION model_name(model clv_model) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_model_name';
COMMENT ON FUNCTION model_name(clv_model) IS 'name of the timing model';

CREATE FUNCTION log_likelihood(model clv_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_log_likelihood';
COMMENT ON FUNCTION log_likelihood(clv_model) IS 'log-likelihood of the timing part, in its time unit';

CREATE FUNCTION spend_log_likelihood(model clv_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_spend_log_likelihood';
COMMENT ON FUNCTION spend_log_likelihood(clv_model) IS 'log-likelihood of the spend part';

CREATE FUNCTION aic(model clv_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_aic';
COMMENT ON FUNCTION aic(clv_model) IS 'Akaike''s information criterion of the timing part; smaller is better';

CREATE FUNCTION bic(model clv_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_bic';
COMMENT ON FUNCTION bic(clv_model) IS 'Schwarz''s Bayesian information criterion of the timing part; smaller is better';

CREATE FUNCTION converged(model clv_model) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_converged';
COMMENT ON FUNCTION converged(clv_model) IS 'whether the fit ended at the maximum of the likelihood';

CREATE FUNCTION customer_count(model clv_model) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_customer_count';
COMMENT ON FUNCTION customer_count(clv_model) IS 'number of customers that the model was fitted to';

CREATE FUNCTION fitted_as_of(model clv_model) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_fitted_as_of';
COMMENT ON FUNCTION fitted_as_of(clv_model) IS 'end of observation of the fit, where scores stand unless told otherwise';

-- scores, from a history

CREATE FUNCTION alive_prob(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION alive_prob(purchase_history, clv_model, date, double precision[]) IS 'probability, 0 to 1, that the customer is still one';

CREATE FUNCTION churn_prob(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION churn_prob(purchase_history, clv_model, date, double precision[]) IS 'probability, 0 to 1, that the customer is gone';

CREATE FUNCTION expected_orders(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_orders(purchase_history, clv_model, integer, date, double precision[]) IS 'expected number of transactions in the next so many days';

CREATE FUNCTION expected_order_value(history purchase_history, model clv_model, as_of date DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_order_value(purchase_history, clv_model, date) IS 'expected amount of a transaction; for customers with one transaction, the population''s';

CREATE FUNCTION clv_estimate(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_estimate(purchase_history, clv_model, integer, double precision, double precision, date, double precision[]) IS
'expected value of the next so many days: orders times their value times margin, discounted continuously at an annual rate';

CREATE FUNCTION score_status(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION score_status(purchase_history, clv_model, date, double precision[]) IS 'ok, one_order (scored with the population''s spend), or why a score is NULL';

-- scores, from plain numbers: x, days since the last order and since the first, mean repeat spend

CREATE FUNCTION alive_prob(frequency double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'alive_prob_numbers';
COMMENT ON FUNCTION alive_prob(double precision, double precision, double precision, clv_model, double precision[]) IS
'probability, 0 to 1, that the customer is still one, from repeat transactions and days since the last and the first';

CREATE FUNCTION churn_prob(frequency double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'churn_prob_numbers';
COMMENT ON FUNCTION churn_prob(double precision, double precision, double precision, clv_model, double precision[]) IS
'probability, 0 to 1, that the customer is gone, from repeat transactions and days since the last and the first';

CREATE FUNCTION expected_orders(frequency double precision, recency_days double precision,
	tenure_days double precision, model clv_model, horizon_days integer DEFAULT 365,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'expected_orders_numbers';
COMMENT ON FUNCTION expected_orders(double precision, double precision, double precision, clv_model, integer, double precision[]) IS
'expected number of transactions in the next so many days, from plain numbers';

CREATE FUNCTION expected_order_value(frequency double precision, avg_value double precision, model clv_model)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'expected_order_value_numbers';
COMMENT ON FUNCTION expected_order_value(double precision, double precision, clv_model) IS
'expected amount of a transaction, from repeat transactions and their mean amount';

CREATE FUNCTION clv_estimate(frequency double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'clv_estimate_numbers';
COMMENT ON FUNCTION clv_estimate(double precision, double precision, double precision, double precision, clv_model, integer, double precision, double precision, double precision[]) IS
'expected value of the next so many days, from plain numbers';

CREATE FUNCTION score_status(frequency double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'score_status_numbers';
COMMENT ON FUNCTION score_status(double precision, double precision, double precision, double precision, clv_model, double precision[]) IS
'ok, one_order (scored with the population''s spend), or why a score is NULL';

-- intervals: how far a score may be off because the parameters are estimates

CREATE FUNCTION clv_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_interval(purchase_history, clv_model, double precision, integer, double precision, double precision, date, double precision[]) IS
'interval of clv_estimate for the uncertainty of the parameters (delta method); the chance in the customer''s own orders is not in it';

CREATE FUNCTION expected_orders_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_orders_interval(purchase_history, clv_model, double precision, integer, date, double precision[]) IS
'interval of expected_orders for the uncertainty of the parameters (delta method); the chance in the customer''s own orders is not in it';

-- the customer's own future: distributions that contain the chance in his orders

CREATE FUNCTION order_prob(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION order_prob(purchase_history, clv_model, integer, date, double precision[]) IS 'probability, 0 to 1, of at least one order in the next so many days';

CREATE FUNCTION next_order_on(history purchase_history, model clv_model, quantile double precision DEFAULT 0.5,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS date
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_order_on(purchase_history, clv_model, double precision, date, double precision[]) IS
'day of the next order if the customer is alive and orders again: the median, or another quantile';

CREATE FUNCTION days_overdue(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION days_overdue(purchase_history, clv_model, date, double precision[]) IS
'days since the next order was to be expected, as seen on the day of the last one; negative while it is not due';

CREATE FUNCTION residual_orders(history purchase_history, model clv_model, annual_discount double precision DEFAULT 0.10,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION residual_orders(purchase_history, clv_model, double precision, date, double precision[]) IS
'discounted expected residual transactions: all orders to come, without a horizon';

CREATE FUNCTION orders_prediction(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low integer, OUT high integer) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION orders_prediction(purchase_history, clv_model, double precision, integer, date, double precision[]) IS
'interval of the customer''s own number of orders in the next so many days';

-- what a model says of a customer just acquired

CREATE FUNCTION expected_orders_new(model clv_model, days integer, covariates double precision[] DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_orders_new(clv_model, integer, double precision[]) IS 'expected transactions of a new customer in the so many days after the first one';

CREATE FUNCTION orders_pmf(model clv_model, days integer, max_count integer,
	covariates double precision[] DEFAULT NULL, OUT order_count integer, OUT prob double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION orders_pmf(clv_model, integer, integer, double precision[]) IS
'probability of 0, 1, … transactions of a new customer in the so many days after the first one';
