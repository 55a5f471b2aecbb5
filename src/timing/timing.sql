-- due_window: when the next order is due

CREATE FUNCTION level_quantile(level double precision, upper boolean) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION level_quantile(double precision, boolean) IS 'internal: the quantile at an end of the interval of due_window, whose level it checks';

CREATE FUNCTION due_window(history purchase_history, model clv_model, level double precision DEFAULT 0.9,
	as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT due_on date, OUT low_on date, OUT high_on date) RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 150
BEGIN ATOMIC
	SELECT next_order_on(history, model, 0.5, as_of, covariates),
		next_order_on(history, model, level_quantile(level, false), as_of, covariates),
		next_order_on(history, model, level_quantile(level, true), as_of, covariates);
END;
COMMENT ON FUNCTION due_window(purchase_history, clv_model, double precision, date, double precision[]) IS
'the day of the next order if the customer orders again: the median, and the days between which it falls with probability level; NULL if the customer is probably gone (alive_prob below one half)';

CREATE FUNCTION due_window(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model, level double precision DEFAULT 0.9, as_of date DEFAULT NULL, covariates double precision[] DEFAULT NULL,
	OUT due_on date, OUT low_on date, OUT high_on date) RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 150
BEGIN ATOMIC
	SELECT next_order_on(repeat_count, recency_days, tenure_days, model, 0.5, as_of, covariates),
		next_order_on(repeat_count, recency_days, tenure_days, model, level_quantile(level, false), as_of, covariates),
		next_order_on(repeat_count, recency_days, tenure_days, model, level_quantile(level, true), as_of, covariates);
END;
COMMENT ON FUNCTION due_window(double precision, double precision, double precision, clv_model, double precision, date, double precision[]) IS
'the day of the next order and the days between which it falls with probability level, from plain numbers';

CREATE FUNCTION best_moment(history purchase_history, model clv_model, uplift_by_overdue uplift_segments,
	response_value double precision, cost double precision, horizon_days integer DEFAULT 90, as_of date DEFAULT NULL,
	covariates double precision[] DEFAULT NULL,
	OUT act_on date, OUT value double precision, OUT value_now double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION best_moment(purchase_history, clv_model, uplift_segments, double precision, double precision, integer, date, double precision[]) IS
'the day to act on, what it brings, and what acting today would bring: uplift (drawn towards the mean of all tiles) times value, less cost, times the probability that the customer has not come by themselves; the uplift is by tiles of overdue_prob of one width, from an experiment (without one it is an error); no day if none brings anything; of an uplift of amounts response_value is the margin in it, at most 1';

CREATE FUNCTION next_anniversary("on" date, as_of date) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_anniversary(date, date) IS
'the next anniversary of a day, on as_of or later; of 29 February the 28th in other years';

-- replenishment: how soon customers buy a thing again

--@value replenishment 5 1 int4 -- how soon customers buy a thing again: intervals between their purchases
COMMENT ON FUNCTION replenishment_in(cstring) IS 'internal: text input, JSON: {"customers": [[1, 2, 435000, 0, 1450000, 0, 0, 0]]}, each element a number of intervals, the customers who have so many, and sums of the mean of their log intervals, its square and the variance around it (each in units of 2^-16 and 2^-48); then, where it is known, the shape: its customers, and sums of the cube and the fourth power of the mean, of the third moment (plus 16384) and the fourth, and of the square of the variance';

--@merge replenishment 5

CREATE FUNCTION replenishment_add(replenishment, purchase_history) RETURNS replenishment
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION replenishment_add(replenishment, purchase_history) IS 'internal: adds one customer';

CREATE AGGREGATE replenishment(item_history purchase_history) (
--@aggregate replenishment replenishment_add 7000
COMMENT ON AGGREGATE replenishment(purchase_history) IS
'customers with their purchases of one thing or category; those who bought once are left out and counted';

--@rollup replenishment replenishment 7000 -- merges customers of one category: regions, shards
--@union replenishment -- the customers of both

CREATE FUNCTION replenishment_params(replenishment replenishment, OUT customers bigint, OUT intervals bigint,
	OUT mu0 double precision, OUT tau2 double precision, OUT sigma2 double precision,
	OUT typical_days double precision, OUT left_out bigint, OUT status text) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION replenishment_params(replenishment) IS
'the mean of log intervals, how much customers differ (tau2) and the intervals of each (sigma2), the median interval of a newcomer, and those left out because they bought once; status poor_fit: intervals, or customers, are of two kinds, short and long, so that few are near the typical one';

CREATE FUNCTION next_need_on(replenishment replenishment, item_history purchase_history, level double precision DEFAULT 0.9,
	OUT due_on date, OUT low_on date, OUT high_on date) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_need_on(replenishment, purchase_history, double precision) IS
'when the customer buys the thing again: the median, and the days between which it falls with probability level; from their own intervals, drawn towards those of all as far as they are few';

-- hour_profile: when a customer is there

--@value hour_profile 5 1 int4 -- how many events a customer has in each hour, weekday or part of the day
COMMENT ON FUNCTION hour_profile_in(cstring) IS 'internal: text input, JSON: {"by": "hour", "events": [[18, 3]]}, each element a slot and the number of events: hour 0 to 23, weekday 1 (Monday) to 7, or daypart 1 (night), 2 (morning), 3 (afternoon), 4 (evening)';

--@merge hour_profile 5

CREATE FUNCTION hour_profile_add(hour_profile, timestamp) RETURNS hour_profile
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION hour_profile_add(hour_profile, timestamp) IS 'internal: adds one event to its hour';

CREATE AGGREGATE hour_profile(ts timestamp) (
--@aggregate hour_profile hour_profile_add 1000
COMMENT ON AGGREGATE hour_profile(timestamp) IS
'the events (opened, clicked, ordered) of one customer by hour of their local time; rows without a time are left out';

CREATE FUNCTION hour_profile_add(hour_profile, timestamp, text) RETURNS hour_profile
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION hour_profile_add(hour_profile, timestamp, text) IS 'internal: adds one event';

CREATE AGGREGATE hour_profile(ts timestamp, "by" text) (
--@aggregate hour_profile hour_profile_add 1000
COMMENT ON AGGREGATE hour_profile(timestamp, text) IS
'the events of one customer by hour, weekday or daypart (six hours each) of their local time; rows without a time are left out';

CREATE FUNCTION hour_profile_add(hour_profile, date) RETURNS hour_profile
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'hour_profile_add_day';
COMMENT ON FUNCTION hour_profile_add(hour_profile, date) IS 'internal: refuses a day, which has no hour';

CREATE AGGREGATE hour_profile(day date) (
	SFUNC = hour_profile_add, STYPE = hour_profile,
	FINALFUNC = hour_profile_final, COMBINEFUNC = hour_profile_merge,
	SSPACE = 1000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE hour_profile(date) IS
'refused: a date has no hour, and would be counted as its midnight';

CREATE FUNCTION hour_profile_add(hour_profile, date, text) RETURNS hour_profile
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'hour_profile_add_day';
COMMENT ON FUNCTION hour_profile_add(hour_profile, date, text) IS 'internal: adds the weekday of one event';

CREATE AGGREGATE hour_profile(day date, "by" text) (
	SFUNC = hour_profile_add, STYPE = hour_profile,
	FINALFUNC = hour_profile_final, COMBINEFUNC = hour_profile_merge,
	SSPACE = 1000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE hour_profile(date, text) IS
'the events of one customer by weekday; by hour or daypart it is refused: a date has none';

--@rollup hour_profile profile 1000 -- merges profiles of one customer: channels, years
--@union hour_profile -- the events of both

-- hour_prior: when customers are there

--@value hour_prior 5 1 int4 -- how many customers have so many events in each hour, weekday or part of the day
COMMENT ON FUNCTION hour_prior_in(cstring) IS 'internal: text input, JSON: {"by": "daypart", "customers": [[1, 2, 5], [24, 2, 5]]}, each element a slot (24: all together), a number of events, and how many customers have so many in it';

--@merge hour_prior 5

CREATE FUNCTION hour_prior_add(hour_prior, hour_profile) RETURNS hour_prior
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION hour_prior_add(hour_prior, hour_profile) IS 'internal: adds one customer';

CREATE AGGREGATE hour_prior(profile hour_profile) (
--@aggregate hour_prior hour_prior_add 14000
COMMENT ON AGGREGATE hour_prior(hour_profile) IS
'customers with their profiles, from which it is learned how much they differ; those without any event are left out and counted';

--@rollup hour_prior prior 14000 -- merges different customers: regions, shards
--@union hour_prior -- the customers of both

CREATE FUNCTION hour_prior_params(prior hour_prior, OUT slot integer, OUT alpha double precision, OUT share double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 24 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION hour_prior_params(hour_prior) IS
'the Dirichlet distribution of customers'' shares, fitted by maximum likelihood: alpha of each slot, and the share of all; the larger the alphas, the more alike customers are';

CREATE FUNCTION log_likelihood(prior hour_prior) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'hour_prior_log_likelihood';
COMMENT ON FUNCTION log_likelihood(hour_prior) IS 'of the Dirichlet-multinomial distribution, without the multinomial coefficients';

CREATE FUNCTION best_hour(profile hour_profile, prior hour_prior, level double precision DEFAULT 0.9,
	OUT slot integer, OUT share double precision, OUT lift double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION best_hour(hour_profile, hour_prior, double precision) IS
'the slot in which most of the customer''s events are to be expected, its share, and its ratio to the share of all customers: 1 unless it is larger with probability level; without a profile (NULL) the best slot of all customers';
