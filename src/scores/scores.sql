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
COMMENT ON FUNCTION churn_prob(purchase_history, clv_model, date, double precision[]) IS 'probability, 0 to 1, that the customer has left';

CREATE FUNCTION expected_transactions(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_transactions(purchase_history, clv_model, integer, date, double precision[]) IS 'expected number of transactions in the next so many days';

CREATE FUNCTION expected_transaction_value(history purchase_history, model clv_model, as_of date DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_transaction_value(purchase_history, clv_model, date) IS 'expected amount of a transaction; for customers with one transaction, the population''s';

CREATE FUNCTION clv_estimate(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_estimate(purchase_history, clv_model, integer, double precision, double precision, date, double precision[]) IS
'expected value of the next so many days: orders times their value times margin, discounted continuously at an annual rate';

CREATE FUNCTION score_status(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION score_status(purchase_history, clv_model, date, double precision[]) IS 'ok, one_order (scored with the population''s spend), weak_fit or later_orders (scored, with care), or why a score is NULL';

-- every score of a customer, from one reading of the history

CREATE FUNCTION customer_scores(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, covariates double precision[] DEFAULT NULL,
	OUT alive_prob double precision, OUT churn_prob double precision, OUT expected_transactions double precision,
	OUT expected_transaction_value double precision, OUT clv_estimate double precision,
	OUT order_prob double precision, OUT next_order_on date, OUT days_overdue integer,
	OUT overdue_prob double precision, OUT lifecycle text, OUT score_status text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_scores(purchase_history, clv_model, date, integer, double precision, double precision, double precision[]) IS
'every score of a customer in one row, each as the function of its name gives it (lifecycle: lifecycle_of)';

-- scores, from plain numbers: x, days since the last order and since the first, mean repeat spend

CREATE FUNCTION alive_prob(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'alive_prob_numbers';
COMMENT ON FUNCTION alive_prob(double precision, double precision, double precision, clv_model, double precision[]) IS
'probability, 0 to 1, that the customer is still one, from repeat transactions and days since the last and the first';

CREATE FUNCTION churn_prob(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'churn_prob_numbers';
COMMENT ON FUNCTION churn_prob(double precision, double precision, double precision, clv_model, double precision[]) IS
'probability, 0 to 1, that the customer has left, from repeat transactions and days since the last and the first';

CREATE FUNCTION expected_transactions(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, horizon_days integer DEFAULT 365,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'expected_transactions_numbers';
COMMENT ON FUNCTION expected_transactions(double precision, double precision, double precision, clv_model, integer, double precision[]) IS
'expected number of transactions in the next so many days, from plain numbers';

CREATE FUNCTION expected_transaction_value(repeat_count double precision, avg_value double precision, model clv_model)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'expected_transaction_value_numbers';
COMMENT ON FUNCTION expected_transaction_value(double precision, double precision, clv_model) IS
'expected amount of a transaction, from repeat transactions and their mean amount';

CREATE FUNCTION clv_estimate(repeat_count double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'clv_estimate_numbers';
COMMENT ON FUNCTION clv_estimate(double precision, double precision, double precision, double precision, clv_model, integer, double precision, double precision, double precision[]) IS
'expected value of the next so many days, from plain numbers';

CREATE FUNCTION score_status(repeat_count double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'score_status_numbers';
COMMENT ON FUNCTION score_status(double precision, double precision, double precision, double precision, clv_model, double precision[]) IS
'ok, one_order (scored with the population''s spend), weak_fit or later_orders (scored, with care), or why a score is NULL';

CREATE FUNCTION customer_scores(repeat_count double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model, as_of date DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, covariates double precision[] DEFAULT NULL,
	OUT alive_prob double precision, OUT churn_prob double precision, OUT expected_transactions double precision,
	OUT expected_transaction_value double precision, OUT clv_estimate double precision,
	OUT order_prob double precision, OUT next_order_on date, OUT days_overdue integer,
	OUT overdue_prob double precision, OUT lifecycle text, OUT score_status text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'customer_scores_numbers';
COMMENT ON FUNCTION customer_scores(double precision, double precision, double precision, double precision, clv_model, date, integer, double precision, double precision, double precision[]) IS
'every score of a customer in one row, from plain numbers that stand at as_of (by default the end of the model''s observation)';

-- intervals: how far a score may be off because the parameters are estimates

CREATE FUNCTION clv_mean_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_mean_interval(purchase_history, clv_model, double precision, integer, double precision, double precision, date, double precision[]) IS
'interval of clv_estimate for the uncertainty of the parameters (delta method); the chance in the customer''s own orders is not in it';

CREATE FUNCTION expected_transactions_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_transactions_interval(purchase_history, clv_model, double precision, integer, date, double precision[]) IS
'interval of expected_transactions for the uncertainty of the parameters (delta method); the chance in the customer''s own orders is not in it';

-- predictive distributions: they include the randomness of the customer's own orders

CREATE FUNCTION order_prob(history purchase_history, model clv_model, horizon_days integer DEFAULT 365,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION order_prob(purchase_history, clv_model, integer, date, double precision[]) IS 'probability, 0 to 1, of at least one order in the next so many days';

CREATE FUNCTION next_order_on(history purchase_history, model clv_model, quantile double precision DEFAULT 0.5,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS date
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_order_on(purchase_history, clv_model, double precision, date, double precision[]) IS
'day of the next order if the customer orders again: the median, or another quantile; NULL if the customer has probably left (alive_prob below one half)';

CREATE FUNCTION days_overdue(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION days_overdue(purchase_history, clv_model, date, double precision[]) IS
'days since the next order was to be expected, as seen on the day of the last one; negative while it is not due';

CREATE FUNCTION overdue_prob(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION overdue_prob(purchase_history, clv_model, date, double precision[]) IS
'probability, 0 to 1, that the customer, if still active, would have ordered since the last order: above three quarters the next order is overdue';

CREATE FUNCTION overdue_prob(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'overdue_prob_numbers';
COMMENT ON FUNCTION overdue_prob(double precision, double precision, double precision, clv_model, double precision[]) IS
'probability, 0 to 1, that the customer would have ordered since the last order, from repeat transactions and days since the last and the first';

CREATE FUNCTION lifecycle_of(history purchase_history, model clv_model, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION lifecycle_of(purchase_history, clv_model, date, double precision[]) IS
'lifecycle stage of the customer by the model: new (one order), active, slipping (overdue, though probably still a customer), probably lost, lost; NULL if there is no score';

CREATE FUNCTION lifecycle_of(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model,
	covariates double precision[] DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'lifecycle_of_numbers';
COMMENT ON FUNCTION lifecycle_of(double precision, double precision, double precision, clv_model, double precision[]) IS
'lifecycle stage of the customer by the model, from repeat transactions and days since the last and the first';

CREATE FUNCTION discounted_transactions(history purchase_history, model clv_model, annual_discount double precision DEFAULT 0.10,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION discounted_transactions(purchase_history, clv_model, double precision, date, double precision[]) IS
'discounted expected residual transactions: all future orders, without a horizon';

CREATE FUNCTION transactions_prediction_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low integer, OUT high integer) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION transactions_prediction_interval(purchase_history, clv_model, double precision, integer, date, double precision[]) IS
'interval of the customer''s own number of orders in the next so many days';

CREATE FUNCTION clv_prediction_interval(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_prediction_interval(purchase_history, clv_model, double precision, integer, double precision, double precision, date, double precision[]) IS
'interval of the customer''s own value in the next so many days: with half of the rest below and half above, or from zero where no order is likelier than that half';

-- the same from plain numbers; results that are days need as_of

CREATE FUNCTION order_prob(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, horizon_days integer DEFAULT 365,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'order_prob_numbers';
COMMENT ON FUNCTION order_prob(double precision, double precision, double precision, clv_model, integer, double precision[]) IS
'probability, 0 to 1, of at least one order in the next so many days, from plain numbers';

CREATE FUNCTION next_order_on(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, quantile double precision DEFAULT 0.5,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL) RETURNS date
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'next_order_on_numbers';
COMMENT ON FUNCTION next_order_on(double precision, double precision, double precision, clv_model, double precision, date, double precision[]) IS
'day of the next order if the customer is alive and orders again, from plain numbers as of as_of (by default the end of the model''s observation)';

CREATE FUNCTION days_overdue(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, covariates double precision[] DEFAULT NULL) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'days_overdue_numbers';
COMMENT ON FUNCTION days_overdue(double precision, double precision, double precision, clv_model, double precision[]) IS
'days since the next order was to be expected, from plain numbers; negative while it is not due';

CREATE FUNCTION discounted_transactions(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, annual_discount double precision DEFAULT 0.10,
	covariates double precision[] DEFAULT NULL) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'discounted_transactions_numbers';
COMMENT ON FUNCTION discounted_transactions(double precision, double precision, double precision, clv_model, double precision, double precision[]) IS
'discounted expected residual transactions, from plain numbers';

CREATE FUNCTION transactions_prediction_interval(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, covariates double precision[] DEFAULT NULL, OUT low integer, OUT high integer) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'transactions_prediction_interval_numbers';
COMMENT ON FUNCTION transactions_prediction_interval(double precision, double precision, double precision, clv_model, double precision, integer, double precision[]) IS
'interval of the customer''s own number of orders in the next so many days, from plain numbers';

CREATE FUNCTION expected_transactions_interval(repeat_count double precision, recency_days double precision,
	tenure_days double precision, model clv_model, level double precision DEFAULT 0.9,
	horizon_days integer DEFAULT 365, covariates double precision[] DEFAULT NULL,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'expected_transactions_interval_numbers';
COMMENT ON FUNCTION expected_transactions_interval(double precision, double precision, double precision, clv_model, double precision, integer, double precision[]) IS
'interval of expected_transactions for the uncertainty of the parameters, from plain numbers';

CREATE FUNCTION clv_mean_interval(repeat_count double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	level double precision DEFAULT 0.9, horizon_days integer DEFAULT 365,
	annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	covariates double precision[] DEFAULT NULL, OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'clv_mean_interval_numbers';
COMMENT ON FUNCTION clv_mean_interval(double precision, double precision, double precision, double precision, clv_model, double precision, integer, double precision, double precision, double precision[]) IS
'interval of clv_estimate for the uncertainty of the parameters, from plain numbers';

CREATE FUNCTION clv_prediction_interval(repeat_count double precision, recency_days double precision,
	tenure_days double precision, avg_value double precision, model clv_model,
	level double precision DEFAULT 0.9, horizon_days integer DEFAULT 365,
	annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	covariates double precision[] DEFAULT NULL, OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'clv_prediction_interval_numbers';
COMMENT ON FUNCTION clv_prediction_interval(double precision, double precision, double precision, double precision, clv_model, double precision, integer, double precision, double precision, double precision[]) IS
'interval of the customer''s own value in the next so many days, from plain numbers';

-- expectations of a new customer

CREATE FUNCTION new_customer_transactions(model clv_model, days integer, covariates double precision[] DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION new_customer_transactions(clv_model, integer, double precision[]) IS 'expected transactions of a new customer in the so many days after the first one';

CREATE FUNCTION new_customer_transactions_pmf(model clv_model, days integer, max_count integer,
	covariates double precision[] DEFAULT NULL, OUT order_count integer, OUT prob double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION new_customer_transactions_pmf(clv_model, integer, integer, double precision[]) IS
'probability of 0, 1, ... transactions of a new customer in the so many days after the first one';
