-- clv_model: a fitted model

--@io clv_model 1 1

CREATE TYPE clv_model (
	INPUT = clv_model_in, OUTPUT = clv_model_out,
	RECEIVE = clv_model_recv, SEND = clv_model_send,
	ALIGNMENT = double, STORAGE = main
);

COMMENT ON TYPE clv_model IS 'a model of when customers order and what an order is worth, with its parameters';
COMMENT ON FUNCTION clv_model_in(cstring) IS 'internal: text input, JSON: {"model": "bg/nbd", "timing": {"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}, "spend": {"p": 6, "q": 4, "gamma": 15}}';

-- fitting

CREATE FUNCTION clv_fit(base customer_base, model text DEFAULT 'auto', as_of date DEFAULT NULL,
	time_unit_days double precision DEFAULT 7, penalty double precision DEFAULT 0,
	covariate_names text[] DEFAULT NULL, season season DEFAULT NULL) RETURNS clv_model
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_fit(customer_base, text, date, double precision, double precision, text[], season) IS
'fits a model by maximum likelihood: the one of this name, or, if auto, the one with the lowest BIC; as_of is the end of observation, by default the base''s; penalty is an L2 penalty on the logarithms of parameters and on coefficients; season is given by its factors, or estimated from its counts: BG/NBD, MBG/NBD and Pareto/NBD take both, GG/NBD a given one';

CREATE FUNCTION clv_fit_problem(base customer_base, as_of date DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_fit_problem(customer_base, date) IS 'why no model can be fitted to the base; NULL if one can';

CREATE FUNCTION clv_fit_warning(base customer_base, as_of date DEFAULT NULL, season season DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_fit_warning(customer_base, date, season) IS
'what a fit would warn of: days of a few customers, or as_of, far from those of all others, in the log of a shop mostly a wrong year; a season of less than a year; NULL if nothing';

CREATE FUNCTION clv_model_final(customer_base) RETURNS clv_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_model_final(customer_base) IS 'internal: the model fitted to the base';

CREATE AGGREGATE clv_model(history purchase_history) (
	SFUNC = customer_base_add, STYPE = customer_base,
	FINALFUNC = clv_model_final, COMBINEFUNC = customer_base_merge,
	SSPACE = 65536, PARALLEL = SAFE
);
COMMENT ON AGGREGATE clv_model(purchase_history) IS 'the model fitted to these customers: clv_fit(customer_base(history)); NULL for a group that has none';

-- accessors of a fit

CREATE FUNCTION clv_params(model clv_model, OUT part text, OUT param text, OUT estimate double precision,
	OUT std_error double precision, OUT low double precision, OUT high double precision, OUT identified boolean)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 7 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_params(clv_model) IS
'parameters and coefficients with standard errors and 95 % intervals (NULL where they are not identified)';

CREATE FUNCTION clv_sample_error(model clv_model, share double precision, OUT part text, OUT param text, OUT estimate double precision,
	OUT sample_error double precision, OUT relative_error double precision)
RETURNS SETOF record
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE ROWS 7
BEGIN ATOMIC
	SELECT p.part, p.param, p.estimate, p.std_error * pg_catalog.sqrt(1 - share), p.std_error * pg_catalog.sqrt(1 - share) / pg_catalog.abs(p.estimate)
	FROM clv_params(model) AS p WHERE CASE WHEN share = 1 THEN true ELSE in_sample(0::bigint, share) IS NOT NULL END;
END;
COMMENT ON FUNCTION clv_sample_error(clv_model, double precision) IS
'how far the parameters of a fit to a sample of this share of the customers may be from those of a fit to all of them: one standard error (NULL where it is not known)';

CREATE FUNCTION clv_candidates(model clv_model, OUT model text, OUT param_count integer, OUT converged boolean,
	OUT identified boolean, OUT log_likelihood double precision, OUT bic double precision, OUT chosen boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 6 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION clv_candidates(clv_model) IS 'the models that clv_fit(base, ''auto'') has tried, with their figures';

CREATE FUNCTION interval_problem(model clv_model) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION interval_problem(clv_model) IS 'why the scores of this model have no intervals, or NULL: the bootstrap still has';

CREATE FUNCTION model_name(model clv_model) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_model_name';
COMMENT ON FUNCTION model_name(clv_model) IS 'name of the timing model';

CREATE FUNCTION season(model clv_model) RETURNS season
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_season';
COMMENT ON FUNCTION season(clv_model) IS 'the season that the model was fitted with, its factors and what they were estimated from; NULL if there is none';

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

CREATE FUNCTION fit_status(model clv_model) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_fit_status';
COMMENT ON FUNCTION fit_status(clv_model) IS
'how far to trust the fit: ok, or the worst of not_converged, not_identified, few_customers, weak_season; NULL if the model was not fitted';

CREATE FUNCTION customer_count(model clv_model) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_customer_count';
COMMENT ON FUNCTION customer_count(clv_model) IS 'number of customers that the model was fitted to';

CREATE FUNCTION fitted_as_of(model clv_model) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'clv_fitted_as_of';
COMMENT ON FUNCTION fitted_as_of(clv_model) IS 'end of observation of the fit, the default as_of of scores';
