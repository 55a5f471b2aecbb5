-- clv_holdout: what a model foretold, and what came

--@value clv_holdout 1 1 double -- a model fitted on the orders until one day, and what came until another
COMMENT ON FUNCTION clv_holdout_in(cstring) IS 'internal: text input, JSON';

-- aggregation: histories to a holdout, holdouts to a holdout

CREATE FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text, text) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_merge(clv_holdout, clv_holdout) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_final(clv_holdout) RETURNS clv_holdout
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date) IS 'internal: adds one customer';
COMMENT ON FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text) IS 'internal: adds one customer, for a model of this name';
COMMENT ON FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text, text) IS 'internal: adds one customer, for a model of this name with a season';
COMMENT ON FUNCTION clv_holdout_merge(clv_holdout, clv_holdout) IS 'internal: the customers of both, no model fitted to them yet';
COMMENT ON FUNCTION clv_holdout_final(clv_holdout) IS 'internal: the finished value, with its model';

CREATE AGGREGATE holdout(history purchase_history, calibration_until date, holdout_until date) (
--@aggregate clv_holdout clv_holdout_add 65536
COMMENT ON AGGREGATE holdout(purchase_history, date, date) IS
'the best model, fitted on what these customers did until a day, with what they did after it, until another';

CREATE AGGREGATE holdout(history purchase_history, calibration_until date, holdout_until date, model text) (
--@aggregate clv_holdout clv_holdout_add 65536
COMMENT ON AGGREGATE holdout(purchase_history, date, date, text) IS
'a model, fitted on what these customers did until a day, with what they did after it, until another';

CREATE AGGREGATE holdout(history purchase_history, calibration_until date, holdout_until date, model text, season text) (
--@aggregate clv_holdout clv_holdout_add 65536
COMMENT ON AGGREGATE holdout(purchase_history, date, date, text, text) IS
'the same of a model with a season by month, week or day, estimated from the transactions until the first day';

--@rollup clv_holdout holdout 65536 -- merges holdouts of different customers over the same days, and fits one model to all of them

-- accessors of a holdout

CREATE FUNCTION holdout_by_repeat_count(holdout clv_holdout, max_count integer DEFAULT 7, OUT repeat_count integer,
	OUT customer_count bigint, OUT actual_transactions bigint, OUT expected_transactions double precision,
	OUT actual_mean double precision, OUT expected_mean double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 8 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_by_repeat_count(clv_holdout, integer) IS
'orders in the holdout by the number of repeat transactions in the calibration, actual and expected; the last row is max_count or more';

CREATE FUNCTION holdout_tracking(holdout clv_holdout, OUT period_end date, OUT week integer,
	OUT actual_transactions bigint, OUT expected_transactions double precision,
	OUT actual_cumulative bigint, OUT expected_cumulative double precision, OUT days integer) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_tracking(clv_holdout) IS
'repeat transactions week by week from the first acquisition to the end of the holdout, actual and expected, of all customers, those still being acquired too; days is 7, or less in the last week where the holdout ends within it';

CREATE FUNCTION holdout_summary(holdout clv_holdout, OUT customer_count bigint, OUT actual_transactions bigint,
	OUT expected_transactions double precision, OUT total_error double precision, OUT mae double precision,
	OUT rmse double precision, OUT log_score double precision, OUT spend_customer_count bigint,
	OUT actual_spend double precision, OUT expected_spend double precision, OUT spend_error double precision,
	OUT spend_mae double precision, OUT normalized_gini double precision, OUT decile_mape double precision,
	OUT count_value_correlation double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_summary(clv_holdout) IS
'how far the model was off in the holdout: in total (relative), by customer (mean absolute and root mean square), and the mean log-probability of what each customer did; the same of their spend, with how well it was ranked, and whether the number and the mean amount of transactions are correlated, which the spend model takes them not to be';

CREATE FUNCTION holdout_model(holdout clv_holdout) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_model(clv_holdout) IS 'the model that was fitted on the calibration';
