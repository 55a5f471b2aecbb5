-- clv_holdout: what a model foretold, and what came

CREATE TYPE clv_holdout;

CREATE FUNCTION clv_holdout_in(cstring) RETURNS clv_holdout
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_out(clv_holdout) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_recv(internal) RETURNS clv_holdout
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_send(clv_holdout) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE clv_holdout (
	INPUT = clv_holdout_in, OUTPUT = clv_holdout_out,
	RECEIVE = clv_holdout_recv, SEND = clv_holdout_send,
	ALIGNMENT = double, STORAGE = extended
);

COMMENT ON TYPE clv_holdout IS 'a model fitted on the orders until one day, and what came until another';
COMMENT ON FUNCTION clv_holdout_in(cstring) IS 'text input, JSON';
COMMENT ON FUNCTION clv_holdout_out(clv_holdout) IS 'text output, JSON';
COMMENT ON FUNCTION clv_holdout_recv(internal) IS 'binary input';
COMMENT ON FUNCTION clv_holdout_send(clv_holdout) IS 'binary output';

-- aggregation: histories to a holdout, holdouts to a holdout

CREATE FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_merge(clv_holdout, clv_holdout) RETURNS clv_holdout
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION clv_holdout_final(clv_holdout) RETURNS clv_holdout
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date) IS 'aggregate support: adds one customer';
COMMENT ON FUNCTION clv_holdout_add(clv_holdout, purchase_history, date, date, text) IS 'aggregate support: adds one customer, for a model of this name';
COMMENT ON FUNCTION clv_holdout_merge(clv_holdout, clv_holdout) IS 'aggregate support: the customers of both, no model fitted to them yet';
COMMENT ON FUNCTION clv_holdout_final(clv_holdout) IS 'aggregate support: the finished value, with its model';

CREATE AGGREGATE holdout(history purchase_history, calibration_until date, holdout_until date) (
	SFUNC = clv_holdout_add, STYPE = clv_holdout,
	FINALFUNC = clv_holdout_final, COMBINEFUNC = clv_holdout_merge,
	SSPACE = 65536, PARALLEL = SAFE
);
COMMENT ON AGGREGATE holdout(purchase_history, date, date) IS
'the best model, fitted on what these customers did until a day, with what they did after it, until another';

CREATE AGGREGATE holdout(history purchase_history, calibration_until date, holdout_until date, model text) (
	SFUNC = clv_holdout_add, STYPE = clv_holdout,
	FINALFUNC = clv_holdout_final, COMBINEFUNC = clv_holdout_merge,
	SSPACE = 65536, PARALLEL = SAFE
);
COMMENT ON AGGREGATE holdout(purchase_history, date, date, text) IS
'a model, fitted on what these customers did until a day, with what they did after it, until another';

CREATE AGGREGATE rollup(holdout clv_holdout) (
	SFUNC = clv_holdout_merge, STYPE = clv_holdout,
	FINALFUNC = clv_holdout_final, COMBINEFUNC = clv_holdout_merge,
	SSPACE = 65536, PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(clv_holdout) IS
'merges holdouts of different customers over the same days, and fits one model to all of them';

-- what a holdout tells

CREATE FUNCTION holdout_by_frequency(holdout clv_holdout, max_count integer DEFAULT 7, OUT repeat_count integer,
	OUT customer_count bigint, OUT actual_orders bigint, OUT expected_orders double precision,
	OUT actual_mean double precision, OUT expected_mean double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 8 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_by_frequency(clv_holdout, integer) IS
'orders in the holdout by the number of repeat transactions in the calibration, actual and expected; the last row is max_count or more';

CREATE FUNCTION holdout_tracking(holdout clv_holdout, OUT period_end date, OUT week integer,
	OUT actual_orders bigint, OUT expected_orders double precision,
	OUT actual_cumulative bigint, OUT expected_cumulative double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_tracking(clv_holdout) IS
'repeat transactions week by week from the first acquisition to the end of the holdout, actual and expected, of all customers, those still being acquired too';

CREATE FUNCTION holdout_summary(holdout clv_holdout, OUT customer_count bigint, OUT actual_orders bigint,
	OUT expected_orders double precision, OUT total_error double precision, OUT mae double precision,
	OUT rmse double precision, OUT log_score double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_summary(clv_holdout) IS
'how far the model was off in the holdout: in total (relative), by customer (mean absolute and root mean square), and the mean log-probability of what each customer did';

CREATE FUNCTION holdout_model(holdout clv_holdout) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION holdout_model(clv_holdout) IS 'the model that was fitted on the calibration';
