-- Ages, horizons and periods beyond any calendar: an answer, NULL with a reason, or an error
-- that names the limit; at once, and in little memory. test/tap/064_extremes.pl tries
-- everything; these are those that once did not end.
SET statement_timeout = '20s';
SET client_min_messages = error;
SET datestyle = ISO;
SET extra_float_digits = -5;

-- Scores of discrete models do not walk along the periods.
CREATE TEMPORARY VIEW shop AS SELECT
	'{"model": "bg/bb", "period": "week", "as_of": "2026-02-01", "timing": {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}}'::clv_model AS m,
	'{"orders": [["2026-01-05", 12.5], ["2026-01-13", 7.25]]}'::purchase_history AS h;
SELECT alive_prob(0, 1e300, 1e300, m), churn_prob(1, 1e300, 2e300, m), expected_transactions(1, 7, 1e300, m) FROM shop;
SELECT alive_prob(h, m, '5874897-12-31')::numeric(30, 20), churn_prob(h, m, '5874897-12-31') > 0.999999, score_status(h, m, '5874897-12-31') FROM shop;
SELECT order_prob(h, m, 2147483647)::numeric(12, 10), next_order_on(h, m, 0.999999), transactions_prediction_interval(h, m, 0.9, 2147483647) FROM shop;
-- Of all weeks that there can be: what is left of pi^2 / 6, for example.
SELECT order_count, prob::numeric(12, 10) FROM shop, new_customer_transactions_pmf(m, 2147483647, 3);

-- A fit does, and has a limit: two centuries of weeks. One order too late, or too early, is an
-- error that says so. Days are not walked along.
CREATE TEMPORARY TABLE histories AS
SELECT i, purchase_history(date '2024-01-01' + i * 7 % 300 + j * (i % 11 + 5), 10) AS h
FROM generate_series(1, 120) AS i, generate_series(0, i % 5) AS j GROUP BY i;
SELECT model_name(clv_fit(customer_base(h, 'week'))) FROM histories;
CREATE TEMPORARY TABLE late AS SELECT h FROM histories UNION ALL SELECT purchase_history('9999-12-31'::date, 10);
SELECT clv_fit_problem(customer_base(h, 'week')) FROM late;
SELECT clv_fit(customer_base(h, 'week')) FROM late;
SELECT clv_fit(customer_base(h, 'month'), as_of => '5874897-12-31') FROM histories;
SELECT clv_fit_problem(customer_base(h, 'year')), clv_fit_problem(customer_base(h)) FROM late;
SELECT customer_count(clv_fit(customer_base(h), 'bg/nbd')) FROM late;
SELECT clv_fit('{"period": "week", "observed_until": "5874897-12-31", "timing": [[0, 0, "2024-01-01", 9], [1, 1, "2024-01-01", 9]], "left_out": {"no_amounts": 9}}', 'bg/bb');
-- The last week of the calendar ends with the calendar.
SELECT observed_until(customer_base(h, 'week')) FROM (SELECT purchase_history('5874897-12-31'::date, 1) AS h) AS last;

-- Covariates that overflow the parameters.
CREATE TEMPORARY VIEW covariate_shop AS SELECT h,
	(SELECT clv_fit(customer_base(h, ARRAY[(i % 3)::float8]), 'bg/nbd') FROM histories) AS m FROM histories WHERE i = 7;
SELECT score_status(h, m, covariates => ARRAY[z]), churn_prob(h, m, covariates => ARRAY[z]) IS NULL AS no_churn,
	new_customer_transactions(m, 365, ARRAY[z]) IS NULL AS no_orders
FROM covariate_shop, unnest('{1, 1e300, -1e300}'::float8[]) AS z;
SELECT count(*) FROM covariate_shop, simulate_orders(10, m, '2024-01-01', '2024-02-01', 1, ARRAY[1e300]);
-- And ages that overflow the unit of time.
SELECT score_status(1, 1e300, 1.7e308, 1, '{"model": "bg/nbd", "time_unit_days": 0.00001, "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}');

-- Just after an order churn_prob is small and keeps all its digits, which 1 - alive_prob does not.
SELECT model, churn_prob(2, 1e-6, 30, m) AS churn, 1 - alive_prob(2, 1e-6, 30, m) = churn_prob(2, 1e-6, 30, m) AS same
FROM (VALUES ('{"model": "pareto/nbd", "timing": {"r": 0.5, "alpha": 10, "s": 0.6, "beta": 12}}'::clv_model),
	('{"model": "gg/nbd", "timing": {"r": 0.5, "alpha": 10, "b": 0.01, "s": 0.6, "beta": 0.5}}'),
	('{"model": "mbg/nbd", "timing": {"r": 0.5, "alpha": 10, "a": 1e-12, "b": 2}}')) AS models(m), model_name(m) AS model;

-- Neither do series of calendar periods grow with the distance of two days.
SELECT acquisition_fit((SELECT customer_base(h, date '45000-01-01') FROM (SELECT purchase_history(date '2013-01-01')) AS v(h)), 'week', 'naive');
SELECT count(*) FROM acquisitions((SELECT customer_base(h, date '5000000-01-01') FROM (SELECT purchase_history(date '2013-01-01')) AS v(h)), 'year');
SELECT count(*) FROM base_health((SELECT cohort_audit(h, 'week', '39000-01-01') FROM (SELECT purchase_history(date '2013-01-01')) AS v(h)));
SELECT count(*) FROM cohort_table((SELECT cohort_audit(h, 'week', '39000-01-01') FROM (SELECT purchase_history(date '2013-01-01')) AS v(h)));
