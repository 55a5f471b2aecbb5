-- customer_base: the population's sufficient statistics

--@value customer_base 1 1 double -- a population of customers, as the models see it: how many have the same numbers
COMMENT ON FUNCTION customer_base_in(cstring) IS 'internal: text input, JSON';

-- aggregation: histories to a base, bases to a base

CREATE FUNCTION customer_base_add(customer_base, purchase_history) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, date) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, text) RETURNS customer_base
LANGUAGE C STABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'customer_base_add_periods';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, text, date) RETURNS customer_base
LANGUAGE C STABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'customer_base_add_periods';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, double precision[]) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'customer_base_add_covariates';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, double precision[], date) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'customer_base_add_covariates';
CREATE FUNCTION customer_base_add(customer_base, purchase_history, integer, bigint) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'customer_base_add_replicate';
CREATE FUNCTION customer_base_merge(customer_base, customer_base) RETURNS customer_base
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_base_final(customer_base) RETURNS customer_base
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history) IS 'internal: adds one customer';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, date) IS 'internal: adds one customer as of a day';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, text) IS 'internal: adds one customer, in periods';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, text, date) IS 'internal: adds one customer as of a day, in periods';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, double precision[]) IS 'internal: adds one customer with covariates';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, double precision[], date) IS 'internal: adds one customer with covariates as of a day';
COMMENT ON FUNCTION customer_base_add(customer_base, purchase_history, integer, bigint) IS 'internal: adds one customer as often as the bootstrap draws them';
COMMENT ON FUNCTION customer_base_merge(customer_base, customer_base) IS 'internal: the customers of both bases (implementation of || operator)';
COMMENT ON FUNCTION customer_base_final(customer_base) IS 'internal: the finished base';

CREATE AGGREGATE customer_base(history purchase_history) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history) IS 'the population of these customers';

CREATE AGGREGATE customer_base(history purchase_history, until date) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, date) IS 'the population of these customers, observed until a day (included)';

CREATE AGGREGATE customer_base(history purchase_history, period text) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, text) IS
'the population of these customers in calendar periods (week, month, quarter, year), for models of discrete time; a day written as a bare literal is taken for until';

CREATE AGGREGATE customer_base(history purchase_history, period text, until date) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, text, date) IS
'the population of these customers in calendar periods, observed until a day (included)';

CREATE AGGREGATE customer_base(history purchase_history, covariates double precision[]) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, double precision[]) IS
'the population of these customers with covariates: numbers that may change how often they order and how long they stay';

CREATE AGGREGATE customer_base(history purchase_history, covariates double precision[], until date) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, double precision[], date) IS
'the population of these customers with covariates, observed until a day (included)';

CREATE AGGREGATE customer_base(history purchase_history, replicate integer, seed bigint) (
--@aggregate customer_base customer_base_add 65536
COMMENT ON AGGREGATE customer_base(purchase_history, integer, bigint) IS
'a replicate of the bootstrap: each customer counts a Poisson(1) number of times, which depends on the history, the replicate and the seed alone';

--@rollup customer_base base 65536 -- merges bases of different customers (regions, shards, cohorts, but not months of the same ones)
--@union customer_base -- the customers of both bases, which must be disjoint

CREATE FUNCTION customer_base_subtract(customer_base, customer_base) RETURNS customer_base
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_base_subtract(customer_base, customer_base) IS 'internal: the customers of the first base without those of the second (implementation of - operator)';

CREATE OPERATOR - (
	LEFTARG = customer_base, RIGHTARG = customer_base,
	FUNCTION = customer_base_subtract
);
COMMENT ON OPERATOR - (customer_base, customer_base) IS 'the customers of the first base without those of the second; customers that it does not hold are an error';

-- accessors of a base

CREATE FUNCTION customer_count(base customer_base) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'customer_base_customer_count';
COMMENT ON FUNCTION customer_count(customer_base) IS 'customers with at least one order';

CREATE FUNCTION repeat_customer_count(base customer_base) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'customer_base_repeat_customer_count';
COMMENT ON FUNCTION repeat_customer_count(customer_base) IS 'customers with orders on at least two days';

CREATE FUNCTION observed_until(base customer_base) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'customer_base_observed_until';
COMMENT ON FUNCTION observed_until(customer_base) IS 'end of observation: the day given, or that of the last order or refund';

CREATE FUNCTION unnest(base customer_base, OUT repeat_count integer, OUT last_order_days integer,
	OUT first_order_on date, OUT customer_count bigint, OUT covariates double precision[]) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10000 AS 'MODULE_PATHNAME', 'customer_base_unnest';
COMMENT ON FUNCTION unnest(customer_base) IS
'how many customers have x repeat transactions, the last so many days (or periods) after their first order, on that day, with these covariates';

CREATE FUNCTION regularity(base customer_base, OUT k double precision, OUT std_error double precision,
	OUT customer_count bigint) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'customer_base_regularity';
COMMENT ON FUNCTION regularity(customer_base) IS
'regularity k of purchases with its standard error, from customers with two repeat transactions or more: 1 is random timing, more is regular, less comes in bursts';

-- a sample of customers, for populations that one base cannot hold

CREATE FUNCTION in_sample(customer_id bigint, share double precision, seed bigint DEFAULT 0) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'in_sample_bigint';
COMMENT ON FUNCTION in_sample(bigint, double precision, bigint) IS
'whether a customer is in a sample of this share, by a hash of the id: the same at any time and on every server; a larger share has all customers of a smaller one';
CREATE FUNCTION in_sample(customer_id text, share double precision, seed bigint DEFAULT 0) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'in_sample_text';
COMMENT ON FUNCTION in_sample(text, double precision, bigint) IS
'whether a customer is in a sample of this share, by a hash of the id: the same at any time and on every server; a larger share has all customers of a smaller one';
