-- retention_base: how many contractual customers came how far

--@value retention_base 5 1 double -- customers with contracts: how many ended in each period, and how many have survived so many and go on
COMMENT ON FUNCTION retention_base_in(cstring) IS 'internal: text input, JSON: {"period_months": 12, "tenures": [[1, 131, 0], [2, 126, 743]]}, each element a tenure in periods, customers who ended in that period, and customers alive after it';

-- aggregation: contracts to a base, bases to a base

CREATE FUNCTION retention_base_add(retention_base, date, date, date) RETURNS retention_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_base_add(retention_base, date, date, date, interval) RETURNS retention_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_base_add_count(retention_base, integer, boolean, bigint, interval) RETURNS retention_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_base_merge(retention_base, retention_base) RETURNS retention_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_base_final(retention_base) RETURNS retention_base
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retention_base_add(retention_base, date, date, date) IS 'internal: adds one customer with a monthly contract';
COMMENT ON FUNCTION retention_base_add(retention_base, date, date, date, interval) IS 'internal: adds one customer';
COMMENT ON FUNCTION retention_base_add_count(retention_base, integer, boolean, bigint, interval) IS 'internal: adds customers that were counted already';
COMMENT ON FUNCTION retention_base_merge(retention_base, retention_base) IS 'internal: the customers of both bases (implementation of || operator)';
COMMENT ON FUNCTION retention_base_final(retention_base) IS 'internal: the finished base';

CREATE AGGREGATE retention_base(started_on date, ended_on date, as_of date) (
--@aggregate retention_base retention_base_add 1200
COMMENT ON AGGREGATE retention_base(date, date, date) IS 'these customers with monthly contracts, as known on the day as_of; ended_on is NULL for those who have not ended';

CREATE AGGREGATE retention_base(started_on date, ended_on date, as_of date, period interval) (
--@aggregate retention_base retention_base_add 1200
COMMENT ON AGGREGATE retention_base(date, date, date, interval) IS 'these customers with contracts of one period (''1 month'', ''1 year'', ''7 days''), as known on the day as_of; ended_on is NULL for those who have not ended';

CREATE AGGREGATE retention_base(tenure integer, ended boolean, customers bigint, period interval) (
--@aggregate retention_base retention_base_add_count 1200
COMMENT ON AGGREGATE retention_base(integer, boolean, bigint, interval) IS 'customers that were counted already: ended in period number tenure, or alive after so many periods';

--@rollup retention_base base 1200 -- merges bases of different customers: regions, shards, cohorts
--@union retention_base -- the customers of both bases, which must be disjoint

-- accessors of a base

CREATE FUNCTION customer_count(base retention_base) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'retention_base_customer_count';
COMMENT ON FUNCTION customer_count(retention_base) IS 'customers with a contract, ended or not';

CREATE FUNCTION ended_customer_count(base retention_base) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'retention_base_ended_count';
COMMENT ON FUNCTION ended_customer_count(retention_base) IS 'customers whose contract has ended';

CREATE FUNCTION unnest(base retention_base, OUT tenure integer, OUT ended_count bigint, OUT alive_count bigint)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 100 AS 'MODULE_PATHNAME', 'retention_base_unnest';
COMMENT ON FUNCTION unnest(retention_base) IS 'how many customers ended in the period of that number, and how many have completed so many periods and go on';

CREATE FUNCTION kaplan_meier(base retention_base, level double precision DEFAULT 0.95,
	OUT period integer, OUT at_risk bigint, OUT ended bigint, OUT survival double precision,
	OUT std_error double precision, OUT low double precision, OUT high double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION kaplan_meier(retention_base, double precision) IS
'share of customers that survive each period in which a customer ended, with Greenwood''s standard error and a log-log interval (both NULL where no customer is at risk)';

-- retention_model: how long customers stay, as a distribution

--@io retention_model 5 1

CREATE TYPE retention_model (
	INPUT = retention_model_in, OUTPUT = retention_model_out,
	RECEIVE = retention_model_recv, SEND = retention_model_send,
	ALIGNMENT = double, STORAGE = main
);

COMMENT ON TYPE retention_model IS 'a model of how many periods customers with contracts stay, with its parameters';
COMMENT ON FUNCTION retention_model_in(cstring) IS 'internal: text input, JSON: {"model": "sbg", "period_months": 12, "params": {"alpha": 0.668, "beta": 3.806}}';

-- fitting

CREATE FUNCTION retention_fit(base retention_base, model text DEFAULT 'sbg') RETURNS retention_model
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_fit(retention_base, text) IS
'fits a model by maximum likelihood: sbg (shifted beta-geometric) or bdw (beta-discrete-Weibull)';

CREATE FUNCTION retention_fit_problem(base retention_base) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_fit_problem(retention_base) IS 'why no model can be fitted to the base; NULL if one can';

CREATE FUNCTION retention_model_final(retention_base) RETURNS retention_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_model_final(retention_base) IS 'internal: the model fitted to the base';

CREATE AGGREGATE retention_model(started_on date, ended_on date, as_of date) (
	SFUNC = retention_base_add, STYPE = retention_base,
	FINALFUNC = retention_model_final, COMBINEFUNC = retention_base_merge,
	SSPACE = 1200, PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_model(date, date, date) IS
'the model fitted to these customers with monthly contracts: retention_fit(retention_base(started_on, ended_on, as_of)); NULL for a group that has none';

CREATE AGGREGATE retention_model(started_on date, ended_on date, as_of date, period interval) (
	SFUNC = retention_base_add, STYPE = retention_base,
	FINALFUNC = retention_model_final, COMBINEFUNC = retention_base_merge,
	SSPACE = 1200, PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_model(date, date, date, interval) IS
'the model fitted to these customers with contracts of one period; NULL for a group that has none';

-- accessors of a fit

CREATE FUNCTION retention_params(model retention_model, OUT param text, OUT estimate double precision,
	OUT std_error double precision, OUT identified boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_params(retention_model) IS 'parameters with standard errors (NULL where they are not identified)';

CREATE FUNCTION log_likelihood(model retention_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'retention_log_likelihood';
COMMENT ON FUNCTION log_likelihood(retention_model) IS 'log-likelihood of the fit';

CREATE FUNCTION aic(model retention_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'retention_aic';
COMMENT ON FUNCTION aic(retention_model) IS 'Akaike''s information criterion; smaller is better';

CREATE FUNCTION bic(model retention_model) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'retention_bic';
COMMENT ON FUNCTION bic(retention_model) IS 'Schwarz''s Bayesian information criterion; smaller is better';

CREATE FUNCTION converged(model retention_model) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'retention_converged';
COMMENT ON FUNCTION converged(retention_model) IS 'whether the fit ended at the maximum of the likelihood';

CREATE FUNCTION customer_count(model retention_model) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'retention_customer_count';
COMMENT ON FUNCTION customer_count(retention_model) IS 'number of customers that the model was fitted to: those who have completed a period';

-- curves and scores

CREATE FUNCTION retention_curve(base retention_base, periods integer,
	OUT period integer, OUT survival_prob double precision, OUT retention_rate double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 50 AS 'MODULE_PATHNAME', 'retention_curve_base';
COMMENT ON FUNCTION retention_curve(retention_base, integer) IS
'for periods 0, 1, ...: share of customers that survive it (Kaplan-Meier), and share of those at its end who renew; NULL where no customer was observed for so long';

CREATE FUNCTION retention_curve(model retention_model, periods integer,
	OUT period integer, OUT survival_prob double precision, OUT retention_rate double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 50 AS 'MODULE_PATHNAME', 'retention_curve_model';
COMMENT ON FUNCTION retention_curve(retention_model, integer) IS
'for periods 0, 1, ...: probability that a new customer survives it, and that one who has come to its end renews';

CREATE FUNCTION renewal_prob(model retention_model, tenure integer) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION renewal_prob(retention_model, integer) IS
'probability, 0 to 1, that a customer who has completed so many periods renews at the end of the current one';

CREATE FUNCTION residual_tenure(model retention_model, tenure integer, annual_discount double precision DEFAULT 0.10)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION residual_tenure(retention_model, integer, double precision) IS
'expected number of future renewals, discounted to the next one, of a customer who has completed so many periods (DERL); NULL if infinite, which it can be without a discount';

CREATE FUNCTION expected_tenure(model retention_model, annual_discount double precision DEFAULT 0.10)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_tenure(retention_model, double precision) IS
'expected number of periods of a new customer, discounted to the start of the first, which is included (DEL); NULL if infinite, which it can be without a discount';
