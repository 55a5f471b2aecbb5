-- acquisition_model: how many new customers each period brings

--@value acquisition_model 10 5 double -- how many new customers each period brought, with a model of how many are to come
COMMENT ON FUNCTION acquisition_model_in(cstring) IS 'internal: text input, JSON: {"method": "naive", "period": "quarter", "first_period": "2024-01-01", "seasonal": true, "acquired": [120, 95, ...], "fit": {...}}';

-- the series

CREATE FUNCTION acquisition_step(base customer_base, period text, first_day date, last_day date) RETURNS interval
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_step(customer_base, text, date, date) IS 'internal: the length of a week, month, quarter or year; an error if the base counts by a longer period, or if there are too many between these days';

CREATE FUNCTION acquisitions(base customer_base, period text DEFAULT 'month', OUT period_start date, OUT acquired bigint,
	OUT complete boolean) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 ROWS 50
BEGIN ATOMIC
	WITH steps AS MATERIALIZED (
		SELECT acquisition_step(acquisitions.base, acquisitions.period, min(c.first_order_on), observed_until(acquisitions.base)) AS step,
			min(c.first_order_on)::timestamp AS first_day, observed_until(acquisitions.base) AS last_day
		FROM unnest(acquisitions.base) AS c
	), firsts AS MATERIALIZED (
		SELECT date_trunc(acquisitions.period, c.first_order_on::timestamp) AS starts, sum(c.customer_count)::bigint AS customers
		FROM steps AS s, unnest(acquisitions.base) AS c WHERE s.step IS NOT NULL GROUP BY 1
	)
	-- n customers whose first days are spread over the period leave a share g of it empty before the first of them
	-- with probability (1 - g)^n; where that is below one in a hundred, the data begin within the period
	SELECT p.starts::date, coalesce(f.customers, 0)::bigint, (p.starts + s.step)::date <= s.last_day + 1
		AND NOT (p.starts = since.first AND f.customers * ln(extract(epoch FROM p.starts + s.step - s.first_day)::double precision
			/ extract(epoch FROM p.starts + s.step - p.starts)::double precision) < ln(0.01::double precision))
	FROM (SELECT min(firsts.starts) AS first FROM firsts) AS since, steps AS s,
		generate_series(since.first, s.last_day::timestamp, s.step) AS p (starts)
		LEFT JOIN firsts AS f ON f.starts = p.starts
	ORDER BY p.starts;
END;
COMMENT ON FUNCTION acquisitions(customer_base, text) IS
'new customers by calendar period (week, month, quarter, year) of their first order, periods without any included; complete is false for the one in which observation ends, and for the first if its customers come so late in it that the data begin within it';

-- the model

CREATE FUNCTION acquisition_fit(acquired double precision[], first_period date, period text DEFAULT 'month',
	method text DEFAULT 'auto', population double precision[] DEFAULT NULL, seasonal boolean DEFAULT NULL,
	event double precision[] DEFAULT NULL, lost double precision[] DEFAULT NULL, active double precision[] DEFAULT NULL)
RETURNS acquisition_model
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_fit(double precision[], date, text, text, double precision[], boolean, double precision[], double precision[], double precision[]) IS
'a model of a series of counts of new customers: naive (last year again), seasonal (trend and seasons), weibull-gamma (a population comes, and where lost or active are given, leaves), or auto: which of them forecast a year best; first_period is any day of the first period of the calendar, which begins on Mondays or on the first of a month, quarter or year';

CREATE FUNCTION acquisition_fit(base customer_base, period text DEFAULT 'month', method text DEFAULT 'auto',
	population double precision[] DEFAULT NULL, seasonal boolean DEFAULT NULL) RETURNS acquisition_model
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 100000
BEGIN ATOMIC
	SELECT acquisition_fit(coalesce(array_agg(a.acquired::double precision ORDER BY a.period_start), '{}'), min(a.period_start),
		acquisition_fit.period, acquisition_fit.method, acquisition_fit.population, acquisition_fit.seasonal)
	FROM acquisitions(acquisition_fit.base, acquisition_fit.period) AS a
	WHERE a.complete
	HAVING acquisition_fit.base IS NOT NULL;
END;
COMMENT ON FUNCTION acquisition_fit(customer_base, text, text, double precision[], boolean) IS
'the same for the complete periods of acquisitions(base, period)';

CREATE FUNCTION acquisition_forecast(model acquisition_model, periods integer, level double precision DEFAULT 0.9,
	population double precision[] DEFAULT NULL, event double precision[] DEFAULT NULL,
	OUT period_start date, OUT expected double precision, OUT low double precision, OUT high double precision,
	OUT lost double precision, OUT active double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 12 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_forecast(acquisition_model, integer, double precision, double precision[], double precision[]) IS
'new customers expected in each of the next periods, with the interval of the count itself; where the model knows of losses, also how many are lost, and active at the end, from the customers counted last. population and event are those of these periods; status not_converged or extrapolated (more than ten times what any period had): do not use it';

CREATE FUNCTION acquisition_params(model acquisition_model, OUT param text, OUT estimate double precision,
	OUT std_error double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_params(acquisition_model) IS
'parameters with standard errors, and the dispersion: variance over mean (weibull-gamma: the variance of an error)';

CREATE FUNCTION acquisition_backtest(model acquisition_model, OUT method text, OUT mape double precision,
	OUT chosen boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_backtest(acquisition_model) IS
'mean absolute percentage error of each method that auto tried, in forecasts of a year from what was known before it';

CREATE FUNCTION acquisition_method(model acquisition_model) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION acquisition_method(acquisition_model) IS 'name of the method: naive, seasonal or weibull-gamma';
