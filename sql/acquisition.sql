-- How many new customers there are, and how many are to come.
SET extra_float_digits = 0;

-- From a customer base: new customers by the period of their first order. Three come in
-- each month of 2024, one more each half year, and orders end in mid February 2026.
CREATE TABLE first_orders AS
SELECT ordered_on AS day, customer, 10 AS amount
FROM generate_series(0, 25) AS month,
	LATERAL (SELECT (date '2024-01-10' + make_interval(months => month))::date) AS m (ordered_on),
	LATERAL generate_series(1, 3 + month / 6) AS customer;
CREATE TABLE shop AS
SELECT customer_base(h) AS base
FROM (SELECT purchase_history(day, amount) AS h FROM first_orders GROUP BY day, customer) AS histories;

SELECT a.* FROM shop, acquisitions(base) AS a ORDER BY period_start DESC LIMIT 4;
SELECT a.* FROM shop, acquisitions(base, 'quarter') AS a ORDER BY period_start DESC LIMIT 2;
SELECT count(*), sum(acquired), count(*) FILTER (WHERE acquired = 0) AS without_any FROM shop, acquisitions(base, 'week');
SELECT acquisition_method(acquisition_fit(base)), acquisition_method(acquisition_fit(base, 'quarter', 'seasonal')) FROM shop;

-- Data that begin on 25 March: 25 of 190 customers a quarter are no complete first quarter. Three in a month may have come on the 10th by chance.
CREATE TABLE late_start AS
SELECT customer_base(h, '2025-12-31') AS by_day, customer_base(h, 'month'::text, date '2025-12-31') AS by_month, customer_base(h, 'quarter'::text, date '2025-12-31') AS by_quarter,
	customer_base(h, 'week'::text, date '2025-12-31') AS by_week
FROM (SELECT purchase_history((date '2022-03-25' + i * 90 / 190)::date) AS h FROM generate_series(0, 2900) AS i GROUP BY i) AS histories;
SELECT a.* FROM late_start, acquisitions(by_day, 'quarter') AS a ORDER BY period_start LIMIT 2;
SELECT a.* FROM late_start, acquisitions(by_day, 'year') AS a ORDER BY period_start LIMIT 2;
SELECT a.* FROM late_start, acquisitions(by_month, 'quarter') AS a ORDER BY period_start LIMIT 2;
SELECT a.* FROM late_start, acquisitions(by_month) AS a ORDER BY period_start LIMIT 2;
SELECT round(expected::numeric) AS expected FROM late_start, acquisition_fit(by_day, 'quarter', 'seasonal') AS m, acquisition_forecast(m, 4);
-- A base that counts by a longer period does not know more than that.
SELECT acquisitions(by_quarter, 'month') FROM late_start;
SELECT acquisitions(by_month, 'week') FROM late_start;
SELECT acquisitions(by_week, 'month') FROM late_start;
SELECT acquisition_fit(by_quarter, 'month') FROM late_start;
SELECT count(*) FROM late_start, acquisitions(by_quarter, 'year');
SELECT count(*) FROM late_start, acquisitions(by_week, 'week');

-- The naive model: last year again. Its interval is from how much counts changed from year to year.
SELECT f.period_start, expected, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44]::float8[], '2024-02-03', 'quarter', 'naive') AS m, acquisition_forecast(m, 6) AS f;
SELECT sqrt(12 * (4 + 4 + 9 + 16) / 100.0) * 1.6448536269514722 AS half_of_the_first;
-- The first period is the one in which the day lies, whichever day it is.
SELECT period, bool_and(m = acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44]::float8[], starts, period, 'naive')) AS same
FROM (VALUES ('week', date '2024-01-15', date '2024-01-21'), ('month', '2024-01-01', '2024-01-15'), ('quarter', '2024-01-01', '2024-03-31'), ('year', '2024-01-01', '2024-12-31')) AS v(period, starts, day),
	LATERAL acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44]::float8[], day, period, 'naive') AS m GROUP BY period ORDER BY period;
-- Without seasons the last period goes on.
SELECT f.period_start, expected, low, high
FROM acquisition_fit(ARRAY[5, 5, 5, 5, 5, 5, 5, 5]::float8[], '2018-01-01', 'year', 'naive') AS m, acquisition_forecast(m, 2) AS f;

-- The seasonal model. Counts on its curve are found again, to rounding.
CREATE TABLE curve AS
SELECT array_agg(exp(7.84223372 + 0.08287003 * i / 4.0 + ('{0, -0.08453672, -0.09345117, 0.80937241}'::float8[])[i % 4 + 1]) ORDER BY i) AS counts
FROM generate_series(0, 15) AS i;
SELECT param, round(estimate::numeric, 8) AS estimate
FROM curve, acquisition_fit(counts, '2016-01-01', 'quarter', 'seasonal') AS m, acquisition_params(m);
SELECT period_start, round(expected::numeric, 2) AS expected
FROM curve, acquisition_fit(counts, '2016-01-01', 'quarter', 'seasonal') AS m, acquisition_forecast(m, 4);
-- With a dispersion of 61.77887808 (the covariance scales with it) the interval of a forecast is of these deviations.
SELECT period_start, round(((high - low) / 2 / 1.6448536269514722 * sqrt(61.77887808))::numeric, 1) AS deviation
FROM curve,
	LATERAL (SELECT acquisition_fit(counts, '2016-01-01', 'quarter', 'seasonal')::jsonb AS fitted) AS f,
	LATERAL (SELECT fitted #>> '{fit,dispersion}' AS phi) AS p,
	LATERAL (SELECT jsonb_set(jsonb_set(fitted, '{fit,covariance}', (SELECT jsonb_agg(c::float8 / phi::float8 ORDER BY place) FROM jsonb_array_elements_text(fitted #> '{fit,covariance}') WITH ORDINALITY AS e (c, place))), '{fit,dispersion}', '1')::text::acquisition_model AS m) AS scaled,
	acquisition_forecast(m, 4);
-- A trend is damped after a year: growth is 8 % in the first, and then less each year.
SELECT ahead / 4 AS year, round((ln(expected / lag(expected) OVER (ORDER BY period_start)) / 0.08287003)::numeric, 4) AS of_first_growth
FROM (SELECT row_number() OVER (ORDER BY period_start) AS ahead, f.* FROM curve, acquisition_fit(counts, '2016-01-01', 'quarter', 'seasonal') AS m, acquisition_forecast(m, 20) AS f) AS forecast
WHERE ahead % 4 = 0;

-- auto: the last years are forecast from what was known before each. A steady series with a
-- seasonal pattern is best by its curve, one whose growth ends is best by naive.
SELECT method, round(mape::numeric, 4) AS mape, chosen
FROM curve, acquisition_fit(counts, '2016-01-01', 'quarter') AS m, acquisition_backtest(m);
CREATE TABLE halted AS
SELECT array_agg(round((least(i, 11) + 10) * 100 * (1 + 0.2 * (i % 4))) ORDER BY i) AS counts FROM generate_series(0, 15) AS i;
SELECT method, round(mape::numeric, 4) AS mape, chosen
FROM halted, acquisition_fit(counts, '2016-01-01', 'quarter') AS m, acquisition_backtest(m);
SELECT acquisition_backtest(acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2018-01-01', 'quarter'));

-- weibull-gamma: a population that comes. 50000 of 100000 ever do, each with a rate of their own.
CREATE TABLE pool AS
SELECT array_agg(50000 * (power(40.0 / (40 + power(i - 1, 1.3)), 2) - power(40.0 / (40 + power(i, 1.3)), 2)) ORDER BY i) AS counts
FROM generate_series(1, 40) AS i;
SELECT sum(abs(f.expected - 50000 * (power(40.0 / (40 + power(i - 1, 1.3)), 2) - power(40.0 / (40 + power(i, 1.3)), 2)))) < 5 AS forecast_is_exact
FROM pool, acquisition_fit(counts, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}', seasonal => false) AS m,
	LATERAL (SELECT 40 + row_number() OVER () AS i, expected FROM acquisition_forecast(m, 8)) AS f;
SELECT acquisition_method(acquisition_fit(counts, '2015-01-01', 'quarter', population => '{100000}', seasonal => false)) FROM pool;
-- A growing population refills the pool: its newcomers come as the first ones did.
SELECT bool_and(g.expected > c.expected) AS more
FROM pool, acquisition_fit(counts, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}', seasonal => false) AS m,
	acquisition_forecast(m, 4) AS c, acquisition_forecast(m, 4, population => '{110000, 120000, 130000, 140000}') AS g
WHERE c.period_start = g.period_start AND c.period_start > '2025-01-01';

-- Customers with contracts: losses and customers at the end of each period, as firms publish
-- them. What is not known is NULL.
CREATE TABLE firm AS
SELECT array_agg(acquired ORDER BY i) AS acquired, array_agg(CASE WHEN i > 4 THEN lost END ORDER BY i) AS lost, array_agg(CASE WHEN i <= 4 THEN active END ORDER BY i) AS active
FROM (SELECT i, acquired, active, coalesce(lag(active) OVER (ORDER BY i), 0) + acquired - active AS lost
	FROM (SELECT m AS i, a.counts[m] AS acquired, (SELECT sum(a.counts[c] * power(9.0 / (9 + m - c), 1.5)) FROM generate_series(1, m) AS c) AS active
		FROM pool AS a, generate_series(1, 40) AS m) AS ends) AS flows;
SELECT i, round(expected::numeric) AS expected, round(x.lost::numeric) AS lost, round(x.active::numeric) AS active
FROM firm AS f, acquisition_fit(f.acquired, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}', false, NULL, f.lost, f.active) AS m,
	LATERAL (SELECT row_number() OVER () AS i, a.* FROM acquisition_forecast(m, 4) AS a) AS x;
SELECT m AS i, round(sum(50000 * (power(40.0 / (40 + power(c - 1, 1.3)), 2) - power(40.0 / (40 + power(c, 1.3)), 2)) * power(9.0 / (9 + 40 + m - c), 1.5)))  AS active
FROM generate_series(1, 4) AS m, generate_series(1, 40 + m) AS c GROUP BY m ORDER BY m;
SELECT param FROM firm AS f, acquisition_fit(f.acquired, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}', true, (SELECT array_agg((i BETWEEN 20 AND 24)::int::float8) FROM generate_series(1, 40) AS i), f.lost, f.active) AS m, acquisition_params(m);

-- Text, binary and jsonb forms are those of the value.
CREATE TABLE kept AS
SELECT acquisition_fit(counts, '2016-01-01', 'quarter') AS m FROM curve
UNION ALL SELECT acquisition_fit(counts, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}') FROM pool
UNION ALL SELECT acquisition_fit(f.acquired, '2015-01-01', 'quarter', 'weibull-gamma', '{100000}', false, NULL, f.lost, f.active) FROM firm AS f;
SET extra_float_digits = 1;
SELECT bool_and(m::text::acquisition_model = m) AS text, bool_and(m::jsonb::text::acquisition_model = m) AS jsonb FROM kept;
SET extra_float_digits = 0;

-- Nothing, and what is refused.
SELECT acquisition_fit(NULL::double precision[], '2024-01-01') IS NULL AS no_counts, acquisition_fit(NULL::customer_base) IS NULL AS no_base;
SELECT count(*) FROM acquisition_forecast(NULL, 3);
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7]::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, -1]::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 'NaN']::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 'Infinity']::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, NULL]::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[0, 0, 0, 0, 0, 0, 0, 0]::float8[], '2024-01-01');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], 'infinity');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'day');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', 'best');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', seasonal => true);
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'year', seasonal => true);
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', 'weibull-gamma');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', 'weibull-gamma', '{30}');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', 'weibull-gamma', '{30, 40}');
SELECT acquisition_method(acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'quarter', 'weibull-gamma', '{100}'));
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, NULL]::float8[], '2024-01-01', 'quarter', 'weibull-gamma', '{100}');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', lost => '{1, 2, 3, 4, 5, 6, 7, 8}');
SELECT acquisition_fit(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::float8[], '2024-01-01', 'month', 'weibull-gamma', '{100}', lost => '{1}');
SELECT acquisitions(base, 'fortnight') FROM shop;
SELECT acquisition_forecast(m, 0) FROM kept AS k LIMIT 1;
SELECT acquisition_forecast(m, 2000) FROM kept AS k LIMIT 1;
SELECT acquisition_forecast(m, 2, 1.5) FROM kept AS k LIMIT 1;
SELECT acquisition_forecast(m, 2, population => '{1, 2, 3}') FROM kept AS k WHERE acquisition_method(m) = 'weibull-gamma';
SELECT acquisition_forecast(m, 2, event => '{1, 2}') FROM kept AS k WHERE acquisition_method(m) = 'weibull-gamma';
SELECT acquisition_forecast(m, 2, population => '{1, 2}') FROM kept AS k WHERE acquisition_method(m) = 'seasonal';
SELECT '{"method": "naive", "period": "month", "first_period": "2024-01-01", "seasonal": false, "acquired": [1, 2], "fit": {"converged": true, "iterations": 0}}'::acquisition_model;
SELECT '{"method": "seasonal", "period": "month", "first_period": "2024-01-01", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": true, "iterations": 0, "params": [1, 2]}}'::acquisition_model;
SELECT '{"method": "naive", "period": "month", "first_period": "2024-01-01", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, -8], "fit": {"converged": true, "iterations": 0}}'::acquisition_model;

DROP TABLE first_orders, shop, curve, halted, pool, firm, kept;

-- Nobody is lost who was not acquired.
SELECT acquisition_fit('{100,120,90,110,100,95,105,100}'::float8[], '2025-01-01', 'month', 'weibull-gamma', '{1000000}', lost => '{50,180,100,10,10,10,10,10}'::float8[], seasonal => false) IS NULL;
