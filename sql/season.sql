-- season: how the rate of all customers' purchases goes by the calendar, given or
-- estimated, and everything that follows from a model with one.

SET datestyle = ISO;
SET extra_float_digits = -9;

-- Made by hand: factors are divided by their mean, so that an average day has 1.
SELECT season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}');
SELECT slot, begins, factor FROM season_factors(season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}')) WHERE slot IN (1, 10, 11, 12);
SELECT count(*), min(begins), max(begins) FROM season_factors(season_of_factors('week', array_fill(2.0::float8, '{53}')));
SELECT count(*), min(begins), max(begins) FROM season_factors(season_of_factors('day', array_fill(2.0::float8, '{366}')));

-- A table of days, such as movable holidays, multiplies single days; it may be all there is.
SELECT season_of_factors('year', '{1}', '{2025-11-28, 2024-11-29}', '{3, 2.5}');
SELECT "on", factor FROM season_factors(season_of_factors('year', '{1}', '{2025-11-28, 2024-11-29}', '{3, 2.5}')) WHERE "on" IS NOT NULL;
SELECT day::date, season_factor(season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}', '{2025-11-28}', '{2}'), day::date) AS factor
FROM unnest('{2025-10-31, 2025-11-01, 2025-11-28, 2025-11-30, 2025-12-01}'::date[]) AS day;

-- Counted: repeat transactions, as customer_base counts them.
CREATE TABLE season_orders (customer_id int, ordered_on date, amount numeric);
INSERT INTO season_orders VALUES (1, '2025-01-05', 10), (1, '2025-02-03', 20), (1, '2025-02-03', 5), (1, '2025-11-11', 7), (2, '2025-11-01', 30), (2, '2025-11-30', 1),
	(2, '2025-12-01', -1), (3, '2025-06-01', 9);
CREATE TABLE season_histories AS SELECT customer_id, purchase_history(ordered_on, amount) AS h FROM season_orders GROUP BY customer_id;
SELECT season(h, 'month') FROM season_histories;
SELECT season(h, 'month', '2025-11-15') FROM season_histories;
SELECT slot, begins, transaction_count FROM (SELECT season(h, 'week') AS s FROM season_histories) AS x, season_factors(s) WHERE transaction_count > 0;
SELECT season_factor(season(h, 'month'), '2025-11-15') IS NULL AS not_estimated FROM season_histories;

-- Parts of the customers, merged in any way, are all of them, to the bit.
SELECT rollup(s) = (SELECT season(h, 'month') FROM season_histories) AS same FROM (SELECT season(h, 'month') AS s FROM season_histories GROUP BY customer_id) AS parts;
SELECT a || b = ab AS same, NULL || a = a AS one, a || NULL = a AS other FROM (SELECT season(h, 'week') FILTER (WHERE customer_id = 1) AS a, season(h, 'week') FILTER (WHERE customer_id > 1) AS b,
	season(h, 'week') AS ab FROM season_histories) AS x;
SELECT season(h, 'month') FROM season_histories WHERE false;
SELECT season(NULL::purchase_history, 'month'), season(h, NULL) FROM season_histories;
-- Over windows, a season grows.
SELECT customer_id, (SELECT sum(transaction_count) FROM season_factors(s)) AS counted FROM (SELECT customer_id, season(h, 'month') OVER (ORDER BY customer_id) AS s FROM season_histories) AS x;

-- Text, JSON and bytes.
SELECT s = s::text::season AND s::jsonb::text::season = s AND season_send(s) IS NOT NULL AS same FROM (VALUES (season_of_factors('day', array_fill(0.3::float8, '{366}'))),
	(season_of_factors('month', '{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0.1}', '{2025-11-28, 2024-11-29}', '{3, 2.5}')), ((SELECT season(h, 'day') FROM season_histories))) AS v(s);

-- What cannot be a season.
SELECT season_of_factors('quarter', '{1, 1, 1, 1}');
SELECT season_of_factors('month', '{1, 2}');
SELECT season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 0}');
SELECT season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, NaN}');
-- A factor is named as it was given, not as it is once the mean is 1.
SELECT season_of_factors('month', '{900000, 900000, 900000, 900000, 900000, 900000, 900000, 900000, 900000, 900000, 900000, 0.5}');
SELECT season_of_factors('day', array_append(array_fill(1e-6::float8, '{365}'), 1e6));
SELECT season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, NULL}');
SELECT season_of_factors('year', '{1}', '{2025-01-01}');
SELECT season_of_factors('year', '{1}', '{2025-01-01, 2025-01-01}', '{2, 3}');
SELECT season_of_factors('year', '{1}', '{2025-01-01, infinity}', '{2, 3}');
SELECT season_of_factors('year', '{1}', '{2025-01-01}', '{2, 3}');
SELECT season(h, by) FROM season_histories, (VALUES ('month'), ('week')) AS v(by);
SELECT season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}') || season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}');
SELECT '{"by": "month", "factors": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1]}'::season;
SELECT '{"by": "month"}'::season;
SELECT '{"by": "month", "counts": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, -1]}'::season;
SELECT '{"by": "year", "factors": [1], "days": [["2025-02-01", 3], ["2025-01-01", 3]]}'::season;
SELECT '{"by": "year", "counts": [5], "days": [["2025-02-01", 3]]}'::season;

-- A shop whose customers order four times as often in November.
CREATE TABLE season_shop AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(8000, '{"model": "bg/nbd", "timing": {"r": 0.9, "alpha": 9, "a": 0.8, "b": 4}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
	"season": {"by": "month", "factors": [0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021,
	0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 3.2087912087912085, 0.8021978021978021]}}', '2023-01-01', '2026-03-01', 1)
GROUP BY customer_id;

-- The plain model, and the one with the season, which is estimated from the counts, until the end of October.
CREATE TABLE season_models AS
SELECT clv_fit(customer_base(h, date '2025-10-31'), 'bg/nbd') AS plain, clv_fit(customer_base(h, date '2025-10-31'), 'bg/nbd', season => season(h, 'month', '2025-10-31')) AS seasonal
FROM season_shop;
SELECT param, rounded(estimate, 2) AS estimate, std_error IS NULL AS no_error, identified FROM season_models, clv_params(seasonal) WHERE part <> 'spend' ORDER BY part DESC, length(param), param;
SELECT log_likelihood(seasonal) - log_likelihood(plain) > 2000 AS likelier, bic(seasonal) < bic(plain) AS better, converged(seasonal), fit_status(seasonal) FROM season_models;
SELECT season_factor(season(seasonal), '2025-11-11') BETWEEN 3 AND 3.4 AS november, season(plain) IS NULL AS plain FROM season_models;

-- November is forecast within 5 %, and so is December after it. The plain model misses most of November, and expects too much afterwards.
SELECT part, rounded(plain / came - 1, 2) AS plain, abs(seasonal / came - 1) < 0.05 AS seasonal_within_5_percent
FROM (VALUES (1, 'November', date '2025-10-31', date '2025-11-30'), (2, 'December', '2025-11-30', '2025-12-31'), (3, 'winter', '2025-11-30', '2026-02-28')) AS v(n, part, as_of, until),
	LATERAL (SELECT sum(transaction_count(history_until(h, until)) - transaction_count(history_until(h, as_of))) AS came,
		sum(expected_transactions(h, plain, until - as_of, as_of)) AS plain, sum(expected_transactions(h, seasonal, until - as_of, as_of)) AS seasonal
		FROM season_shop, season_models WHERE first_order_on(h) <= '2025-10-31') AS x ORDER BY n;

-- The same by a holdout, which estimates the season itself, week by week too.
CREATE TABLE season_holdouts AS
SELECT holdout(h, '2025-10-31', '2025-11-30', 'bg/nbd') AS plain, holdout(h, '2025-10-31', '2025-11-30', 'bg/nbd', 'month') AS seasonal FROM season_shop;
SELECT rounded((holdout_summary(plain)).total_error, 2) AS plain, abs((holdout_summary(seasonal)).total_error) < 0.05 AS seasonal, rounded((holdout_summary(plain)).spend_error, 2) AS plain_spend,
	abs((holdout_summary(seasonal)).spend_error) < 0.05 AS seasonal_spend, (holdout_summary(seasonal)).log_score > (holdout_summary(plain)).log_score AS likelier FROM season_holdouts;
SELECT bool_and(abs(expected_transactions / actual_transactions - 1) < 0.15) AS follows FROM season_holdouts, holdout_tracking(seasonal) WHERE actual_transactions > 150;
SELECT season(holdout_model(h.seasonal)) = season(m.seasonal) AS same_season, h.seasonal = h.seasonal::text::clv_holdout AS same_text FROM season_holdouts AS h, season_models AS m;
SELECT holdout(h, '2025-10-31', '2025-11-30', 'gg/nbd', 'month') FROM season_shop;

-- Factors of one are the plain model: likelihood and scores.
CREATE TABLE season_ones AS
SELECT plain, clv_fit(base, name, season => season_of_factors('month', array_fill(1.0::float8, '{12}'))) AS ones
FROM (SELECT customer_base(h) AS base FROM season_shop) AS b, (VALUES ('bg/nbd'), ('mbg/nbd')) AS v(name), LATERAL (SELECT clv_fit(base, name) AS plain) AS p;
SELECT model_name(ones), abs(log_likelihood(ones) / log_likelihood(plain) - 1) < 1e-14 AS same_likelihood FROM season_ones;
UPDATE season_ones SET ones = (plain::jsonb || '{"season": {"by": "month", "factors": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}')::text::clv_model;
SELECT model_name(ones), bool_and((s).alive_prob = (p).alive_prob AND (s).churn_prob = (p).churn_prob AND (s).expected_transactions = (p).expected_transactions AND (s).order_prob = (p).order_prob
	AND (s).next_order_on IS NOT DISTINCT FROM (p).next_order_on AND (s).days_overdue = (p).days_overdue AND (s).overdue_prob = (p).overdue_prob AND (s).lifecycle = (p).lifecycle
	AND abs((s).clv_estimate / (p).clv_estimate - 1) < 1e-12) AS same, bool_and(abs(discounted_transactions(h, ones) / discounted_transactions(h, plain) - 1) < 1e-11) AS same_residual
FROM season_ones, (SELECT h FROM season_shop WHERE customer_id % 97 = 0) AS x, LATERAL (SELECT customer_scores(h, ones) AS s, customer_scores(h, plain) AS p) AS y GROUP BY 1 ORDER BY 1;

-- The parts of a horizon are the whole, whatever the season does between them; so is the discounted value, on the calendar's time.
SELECT bool_and(abs(expected_transactions(h, seasonal, 30) + n - expected_transactions(h, seasonal, 365)) < 1e-9 * n) AS whole
FROM season_models, season_shop, LATERAL (SELECT expected_transactions(h, seasonal, 365) - expected_transactions(h, seasonal, 30) AS n) AS x WHERE customer_id % 97 = 0 AND first_order_on(h) <= '2025-10-31';
SELECT bool_and(abs(clv_estimate(h, seasonal) / (expected_transaction_value(h, seasonal) * n) - 1) < 1e-3) AS by_days
FROM season_models, season_shop, LATERAL (SELECT sum((expected_transactions(h, seasonal, d) - expected_transactions(h, seasonal, d - 1)) * 1.1 ^ (-(d - 0.5) / 365)) AS n FROM generate_series(1, 365) AS d) AS x
WHERE customer_id % 397 = 0 AND first_order_on(h) <= '2025-10-31';
-- Customers in November are soon overdue; the next order comes sooner when November is near.
SELECT as_of, next_order_on(h, m, as_of => as_of) - as_of AS days, rounded(overdue_prob(h, m, as_of), 3) AS overdue_prob, rounded(order_prob(h, m, 30, as_of), 3) AS order_prob
FROM (VALUES (date '2025-10-01'), ('2025-11-01'), ('2025-12-01')) AS v(as_of), season_models AS s(p, m), LATERAL (SELECT purchase_history(d, 10) AS h FROM unnest(ARRAY[as_of - 200, as_of - 120, as_of - 60]) AS d) AS x;
-- Distributions and intervals go by the season too; plain numbers stand on the day of the fit.
SELECT (transactions_prediction_interval(h, plain, 0.9, 30)).high AS plain, (transactions_prediction_interval(h, seasonal, 0.9, 30)).high AS seasonal,
	(clv_prediction_interval(h, seasonal, 0.9, 30)).high > (clv_prediction_interval(h, plain, 0.9, 30)).high AS more, (clv_mean_interval(h, seasonal)).low < clv_estimate(h, seasonal) AS in_interval
FROM season_models, LATERAL (SELECT purchase_history(d, 10) AS h FROM unnest('{2025-08-01, 2025-09-01, 2025-09-20, 2025-10-20}'::date[]) AS d) AS x;
SELECT bool_and(alive_prob(h, seasonal) = alive_prob(n, r, t, seasonal) AND expected_transactions(h, seasonal, 30) = expected_transactions(n, r, t, seasonal, 30)
	AND next_order_on(h, seasonal) IS NOT DISTINCT FROM next_order_on(n, r, t, seasonal) AND (customer_scores(h, seasonal, '2025-12-31')).order_prob = (customer_scores(n, r2, t2, NULL, seasonal, '2025-12-31')).order_prob) AS same
FROM season_models, season_shop, LATERAL (SELECT repeat_count(h, '2025-10-31') AS n, recency_days(h, '2025-10-31') AS r, tenure_days(h, '2025-10-31') AS t) AS x,
	LATERAL (SELECT recency_days(h, '2025-12-31') AS r2, tenure_days(h, '2025-12-31') AS t2) AS y
WHERE customer_id % 97 = 0 AND last_order_on(h) <= '2025-10-31';
SELECT rounded(new_customer_transactions(seasonal, 30) / new_customer_transactions(plain, 30), 1) AS of_november FROM season_models;

-- Given, the season is taken as it is; estimated, it is the same whichever model it is estimated with.
SELECT model_name(m), season(m) = s AS as_given FROM (SELECT customer_base(h) AS base FROM season_shop) AS b, season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}') AS s, clv_fit(base, 'mbg/nbd', season => s) AS m;
SELECT model, chosen FROM (SELECT customer_base(h) AS base, season(h, 'week') AS s FROM season_shop) AS b, clv_fit(base, season => s) AS m, clv_candidates(m);
SELECT rounded(season_factor(season(m), '2025-11-15') / season_factor(season(m), '2025-06-15'), 0) AS november
FROM (SELECT customer_base(h) AS base, season(h, 'day') AS s FROM season_shop) AS b, clv_fit(base, 'bg/nbd', season => s) AS m;
-- With covariates.
SELECT count(*) FILTER (WHERE part = 'season') AS factors, count(*) FILTER (WHERE part = 'coefficients') AS coefficients, bool_and(m::text::clv_model = m) AS same_text
FROM (SELECT customer_base(h, ARRAY[customer_id % 2]) AS base, season(h, 'month') AS s FROM season_shop) AS b, clv_fit(base, 'bg/nbd', season => s) AS m, clv_params(m);

-- Two clocks: in Pareto/NBD purchases go by the season, and customers leave by the calendar.
CREATE TABLE season_two_shop AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(8000, '{"model": "pareto/nbd", "timing": {"r": 0.9, "alpha": 9, "s": 0.7, "beta": 25}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
	"season": {"by": "month", "factors": [0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021,
	0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 3.2087912087912085, 0.8021978021978021]}}', '2023-01-01', '2026-03-01', 2)
GROUP BY customer_id;
CREATE TABLE season_two AS
SELECT clv_fit(customer_base(h, date '2025-10-31'), 'pareto/nbd') AS plain, clv_fit(customer_base(h, date '2025-10-31'), 'pareto/nbd', season => season(h, 'month', '2025-10-31')) AS seasonal
FROM season_two_shop;
SELECT param, rounded(estimate, 2) AS estimate, std_error IS NULL AS no_error, identified FROM season_two, clv_params(seasonal) WHERE part <> 'spend' ORDER BY part DESC, length(param), param;
SELECT bool_and(abs(ln(estimate / truth)) < 4 * std_error / estimate) AS recovered FROM season_two, clv_params(seasonal), (VALUES ('r', 0.9), ('alpha', 9), ('s', 0.7), ('beta', 25)) AS v(name, truth) WHERE param = name;
SELECT log_likelihood(seasonal) - log_likelihood(plain) > 2000 AS likelier, converged(seasonal), season_factor(season(seasonal), '2025-11-11') BETWEEN 3 AND 3.4 AS november, seasonal::text::clv_model = seasonal AS same_text FROM season_two;
SELECT part, rounded(plain / came - 1, 1) AS plain, abs(seasonal / came - 1) < 0.05 AS seasonal_within_5_percent
FROM (VALUES (1, 'November', date '2025-10-31', date '2025-11-30'), (2, 'December', '2025-11-30', '2025-12-31'), (3, 'winter', '2025-11-30', '2026-02-28')) AS v(n, part, as_of, until),
	LATERAL (SELECT sum(transaction_count(history_until(h, until)) - transaction_count(history_until(h, as_of))) AS came,
		sum(expected_transactions(h, plain, until - as_of, as_of)) AS plain, sum(expected_transactions(h, seasonal, until - as_of, as_of)) AS seasonal
		FROM season_two_shop, season_two WHERE first_order_on(h) <= '2025-10-31') AS x ORDER BY n;
-- A holdout estimates it too, and its weeks follow it.
CREATE TABLE season_two_holdout AS SELECT holdout(h, '2025-10-31', '2025-11-30', 'pareto/nbd', 'month') AS v FROM season_two_shop;
SELECT abs((holdout_summary(v)).total_error) < 0.05 AS orders, abs((holdout_summary(v)).spend_error) < 0.05 AS spend, (holdout_summary(v)).log_score IS NOT NULL AS scored, season(holdout_model(v)) = season(seasonal) AS same_season FROM season_two_holdout, season_two;
SELECT bool_and(abs(expected_transactions / actual_transactions - 1) < 0.2) AS follows FROM season_two_holdout, holdout_tracking(v) WHERE actual_transactions > 150;
-- Factors of one are the plain model: the two clocks are one.
CREATE TABLE season_two_ones AS SELECT plain, plain::text::jsonb || '{"season": {"by": "month", "factors": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}' AS text FROM season_two;
ALTER TABLE season_two_ones ADD ones clv_model;
UPDATE season_two_ones SET ones = text::text::clv_model;
SELECT abs(log_likelihood(f) / log_likelihood(plain) - 1) < 1e-10 AS same_likelihood FROM season_two_ones, (SELECT clv_fit(customer_base(h, date '2025-10-31'), 'pareto/nbd', season => season_of_factors('week', array_fill(1.0::float8, '{53}'))) AS f FROM season_two_shop) AS x;
SELECT bool_and(abs((s).alive_prob / (p).alive_prob - 1) < 1e-10 AND abs((s).churn_prob - (p).churn_prob) < 1e-10 AND abs((s).expected_transactions / (p).expected_transactions - 1) < 1e-10 AND abs((s).order_prob / (p).order_prob - 1) < 1e-10
	AND (s).next_order_on IS NOT DISTINCT FROM (p).next_order_on AND (s).days_overdue = (p).days_overdue AND abs((s).overdue_prob - (p).overdue_prob) < 1e-12 AND (s).lifecycle = (p).lifecycle
	AND abs((s).clv_estimate / (p).clv_estimate - 1) < 1e-10) AS same, bool_and(abs(discounted_transactions(h, ones) / discounted_transactions(h, plain) - 1) < 1e-10) AS same_residual
FROM season_two_ones, (SELECT history_until(h, '2025-10-31') AS h FROM season_two_shop WHERE customer_id % 97 = 0 AND first_order_on(h) <= '2025-10-31') AS x, LATERAL (SELECT customer_scores(h, ones) AS s, customer_scores(h, plain) AS p) AS y;
SELECT bool_and(transactions_prediction_interval(h, ones) = transactions_prediction_interval(h, plain) AND abs((clv_mean_interval(h, ones)).low - (clv_mean_interval(h, plain)).low) <= 1e-6 * (clv_mean_interval(h, plain)).low) AS same_intervals,
	bool_and(abs((clv_prediction_interval(h, ones)).high - (clv_prediction_interval(h, plain)).high) <= 1e-6 * (clv_prediction_interval(h, plain)).high) AS same_values
FROM season_two_ones, season_two_shop WHERE customer_id % 997 = 0 AND first_order_on(h) <= '2025-10-31';
SELECT bool_and(abs(a.prob - b.prob) < 1e-10) AS same_counts, abs(new_customer_transactions(ones, 90) / new_customer_transactions(plain, 90) - 1) < 1e-10 AS same_mean
FROM season_two_ones, new_customer_transactions_pmf(ones, 90, 30) AS a, new_customer_transactions_pmf(plain, 90, 30) AS b WHERE a.order_count = b.order_count GROUP BY ones, plain;
-- What is said of the season by one score, others say too.
SELECT bool_and(abs(expected_transactions(h, seasonal, 30) + n - expected_transactions(h, seasonal, 365)) < 1e-9 * n) AS whole, bool_and(abs(alive_prob(h, seasonal) + churn_prob(h, seasonal) - 1) < 1e-12) AS one,
	bool_and(alive_prob(h, seasonal) = alive_prob(c, r, t, seasonal) AND order_prob(h, seasonal, 30) = order_prob(c, r, t, seasonal, 30) AND expected_transactions(h, seasonal, 30) = expected_transactions(c, r, t, seasonal, 30)
	AND next_order_on(h, seasonal) IS NOT DISTINCT FROM next_order_on(c, r, t, seasonal)) AS same
FROM season_two, (SELECT history_until(h, '2025-10-31') AS h FROM season_two_shop WHERE customer_id % 97 = 0 AND first_order_on(h) <= '2025-10-31') AS x, LATERAL (SELECT expected_transactions(h, seasonal, 365) - expected_transactions(h, seasonal, 30) AS n) AS y,
	LATERAL (SELECT repeat_count(h, '2025-10-31') AS c, recency_days(h, '2025-10-31') AS r, tenure_days(h, '2025-10-31') AS t) AS z;
SELECT bool_and(abs(clv_estimate(h, seasonal) / (expected_transaction_value(h, seasonal) * n) - 1) < 1e-3) AS by_days
FROM season_two, season_two_shop, LATERAL (SELECT sum((expected_transactions(h, seasonal, d) - expected_transactions(h, seasonal, d - 1)) * 1.1 ^ (-(d - 0.5) / 365)) AS n FROM generate_series(1, 365) AS d) AS x
WHERE customer_id % 397 = 0 AND first_order_on(h) <= '2025-10-31';
SELECT abs(sum(order_count * prob) / new_customer_transactions(seasonal, 60) - 1) < 1e-9 AS mean, abs(sum(prob) - 1) < 1e-10 AS one FROM season_two, new_customer_transactions_pmf(seasonal, 60, 200) GROUP BY seasonal;
SELECT as_of, next_order_on(h, m, as_of => as_of) - as_of AS days, rounded(overdue_prob(h, m, as_of), 3) AS overdue_prob, rounded(order_prob(h, m, 30, as_of), 3) AS order_prob
FROM (VALUES (date '2025-10-01'), ('2025-11-01'), ('2025-12-01')) AS v(as_of), season_two AS s(p, m), LATERAL (SELECT purchase_history(d, 10) AS h FROM unnest(ARRAY[as_of - 200, as_of - 120, as_of - 60]) AS d) AS x;
-- By week and by the waves of the year, with covariates, and chosen among those that know seasons.
SELECT rounded(season_factor(season(m), '2025-11-15') / season_factor(season(m), '2025-06-15'), 0) AS november
FROM (SELECT customer_base(h) AS base, season(h, 'day') AS s FROM season_two_shop) AS b, clv_fit(base, 'pareto/nbd', season => s) AS m;
SELECT count(*) FILTER (WHERE part = 'season') AS factors, count(*) FILTER (WHERE part = 'coefficients') AS coefficients, bool_and(m::text::clv_model = m) AS same_text
FROM (SELECT customer_base(h, ARRAY[customer_id % 2]) AS base, season(h, 'week') AS s FROM season_two_shop) AS b, clv_fit(base, 'pareto/nbd', season => s) AS m, clv_params(m);
SELECT model, chosen FROM (SELECT customer_base(h) AS base, season(h, 'month') AS s FROM season_two_shop) AS b, clv_fit(base, season => s) AS m, clv_candidates(m);
SELECT model, chosen FROM (SELECT customer_base(h) AS base FROM season_two_shop) AS b, clv_fit(base, season => season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}')) AS m, clv_candidates(m);
-- The scoring view, as of the end of October.
SET client_min_messages = warning;
SELECT create_customer_scores('season_scores', 'season_two_shop', 'customer_id', horizon_days => 30, as_of => '2025-10-31', model => 'pareto/nbd', season => 'month') > 7000 AS scored;
SELECT season(v.model) = season(m.seasonal) AS same_season, (SELECT abs(sum(s.expected_transactions_30d) / sum(expected_transactions(h, m.seasonal, 30, '2025-10-31')) - 1) < 1e-9
	FROM season_scores AS s JOIN season_two_shop USING (customer_id)) AS same_scores FROM season_scores_model AS v, season_two AS m;
DROP MATERIALIZED VIEW season_scores CASCADE;
RESET client_min_messages;
-- GG/NBD takes a season that is given, such as one that was estimated with Pareto/NBD, and goes by it.
SELECT abs(sum(expected_transactions(h, m, 30, '2025-10-31')) / sum(expected_transactions(h, seasonal, 30, '2025-10-31')) - 1) < 0.02 AS like_pareto, bool_and(m::text::clv_model = m) AS same_text
FROM (SELECT seasonal, clv_fit(customer_base(h, date '2025-10-31'), 'gg/nbd', season => season(seasonal)) AS m FROM season_two_shop, season_two GROUP BY seasonal) AS x, season_two_shop WHERE first_order_on(h) <= '2025-10-31';
SELECT count(*) > 500 AS simulated, rounded(sum(n) / sum(n) FILTER (WHERE NOT november), 1) AS of_all FROM (SELECT ordered_at::date BETWEEN '2024-11-01' AND '2024-11-30' AS november, 1::float8 AS n
FROM simulate_orders(300, '{"model": "gg/nbd", "timing": {"r": 1, "alpha": 5, "b": 0.02, "s": 0.5, "beta": 1}, "season": {"by": "month", "factors": [0.8021978021978021, 0.8021978021978021, 0.8021978021978021,
	0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 0.8021978021978021, 3.2087912087912085, 0.8021978021978021]}}', '2024-01-01', '2025-01-01', 1)) AS x;
DROP TABLE season_two_shop, season_two, season_two_holdout, season_two_ones;

-- The whole job: the scoring view estimates the season at each refresh, by group too.
SELECT create_customer_scores('season_scores', 'season_shop', 'customer_id', horizon_days => 30, as_of => '2025-10-31', model => 'bg/nbd', season => 'month');
SELECT season(v.model) = season(m.seasonal) AS same_season, (SELECT sum(expected_transactions_30d) FROM season_scores) BETWEEN 3800 AND 4200 AS november FROM season_scores_model AS v, season_models AS m;
SET client_min_messages = warning;
DROP MATERIALIZED VIEW season_scores CASCADE;
RESET client_min_messages;
CREATE VIEW season_countries AS SELECT customer_id, h, customer_id % 2 AS season FROM season_shop;
SELECT create_customer_scores('season_scores', 'season_countries', 'customer_id', as_of => '2025-10-31', group_by => 'season', season => 'week');
SELECT season, model_name, season_factor(season(model), '2025-11-15') BETWEEN 2.5 AND 4 AS november FROM season_scores_model ORDER BY season;
SET client_min_messages = warning;
DROP MATERIALIZED VIEW season_scores CASCADE;
RESET client_min_messages;
DROP VIEW season_countries;
SELECT customer_scores_query('season_shop', 'customer_id', model => (SELECT plain FROM season_models), season => 'month');
SELECT customer_scores_query('season_shop', 'customer_id', season => 'quarter');
SELECT customer_scores_query('season_shop', 'customer_id', season => 'year');
SELECT holdout(h, '2025-06-30', '2025-10-31', 'bg/nbd', 'year') FROM season_shop;

-- What cannot be fitted, or is not known yet, is an error that says so.
SELECT clv_fit(customer_base(h), 'bg/cnbd-k', season => season(h, 'month')) FROM season_shop;
SELECT clv_fit(customer_base(h), 'gg/nbd', season => season(h, 'month')) FROM season_shop;
SELECT clv_fit(customer_base(h), 'bg/nbd', season => season(h, 'month', '2025-01-01')) FROM season_shop;
SELECT clv_fit(customer_base(h, 'month'), 'bg/bb', season => season(h, 'month')) FROM season_shop;
SELECT clv_fit(customer_base(h, 'month'), season => season(h, 'month')) FROM season_shop;
SELECT customer_equity(h, seasonal) FROM season_shop, season_models;
SELECT '{"model": "bg/cnbd-k", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1, "k": 1}, "season": {"by": "year", "factors": [1]}}'::clv_model;
SELECT alive_prob(1, 10, 20, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "season": {"by": "year", "factors": [1]}}');
SELECT new_customer_transactions('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "season": {"by": "year", "factors": [1]}}', 30);
-- A factor for the year is no season.
SELECT season('{"orders": [["2025-01-01", 1], ["2025-02-01", 1]]}'::purchase_history, 'year');
-- Less than a year cannot tell a season from growth.
SELECT count(*) FROM (SELECT customer_base(h, date '2023-09-30') AS base, season(h, 'month', '2023-09-30') AS s FROM season_shop) AS b, clv_fit(base, 'bg/nbd', season => s) AS m;
SELECT clv_fit_warning(base, season => s), clv_fit_warning(base) IS NULL AS without
FROM (SELECT customer_base(h, date '2023-09-30') AS base, season(h, 'month', '2023-09-30') AS s FROM season_shop) AS b;
CREATE TABLE short_orders AS SELECT i AS customer_id, ordered_on, amount FROM (SELECT row_number() OVER (ORDER BY h::text) AS i, h FROM season_shop) AS s, unnest(h) WHERE ordered_on <= '2023-09-30';
SELECT create_customer_scores('short_scores', 'short_orders', 'customer_id', 'ordered_on', 'amount', model => 'bg/nbd', season => 'month') > 100 AS many;
SELECT fit_status, warnings FROM short_scores_model;
DROP MATERIALIZED VIEW short_scores CASCADE;
DROP TABLE short_orders;

-- Scores of more days and discounts in turn than are remembered are those of one at a time.
CREATE FUNCTION one_at_a_time(h purchase_history, m clv_model, discount float8, as_of date) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	score float8;
BEGIN
	EXECUTE 'SELECT discounted_transactions($1, $2, $3, $4)' INTO score USING h, m, discount, as_of;
	RETURN score;
END $$;
SELECT count(*), bool_and(discounted_transactions(h, seasonal, discount, as_of) = one_at_a_time(h, seasonal, discount, as_of)) AS same
FROM (SELECT h FROM season_shop ORDER BY h::text LIMIT 1) AS x, season_models, generate_series(1, 160) AS i, LATERAL (SELECT date '2025-12-31' + i % 75 AS as_of, 0.1 + (i % 3) / 100.0 AS discount) AS d;
DROP FUNCTION one_at_a_time;
DROP TABLE season_orders, season_histories, season_shop, season_models, season_holdouts, season_ones;

-- A table of days has a limit to what it adds in all, beyond which sums of it would lose digits of a short time.
SELECT season_of_factors('year', '{1}', array_agg(date '2025-01-01' + i), array_agg(f)) FROM (VALUES (1, 6e5::float8), (2, 6e5)) AS v(i, f);
SELECT '{"by": "year", "factors": [1], "days": [["2025-01-02", 600000], ["2025-01-03", 600000]]}'::season;
SELECT season_factor(season_of_factors('year', '{1}', '{2025-01-02,2025-01-03}', '{6e5,4e5}'), '2025-01-03') AS within;

-- A season that costs more than it explains: 52 free factors of 120 customers. The fit says so, and what it would be without.
CREATE TABLE season_few AS SELECT customer_id, ordered_at::date AS ordered_on, amount
FROM simulate_orders(120, '{"model": "bg/nbd", "timing": {"r": 0.9, "alpha": 9, "a": 0.8, "b": 4}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2023-01-01', '2026-01-01', 5);
CREATE VIEW season_few_histories AS SELECT purchase_history(ordered_on, amount) AS h FROM season_few GROUP BY customer_id;
CREATE TABLE season_weak AS SELECT clv_fit(customer_base(h, '2025-12-31'), season => season(h, 'week', '2025-12-31')) AS m, clv_fit(customer_base(h, '2025-12-31')) AS plain FROM season_few_histories;
SELECT fit_status(m), fit_status(plain) AS plain, rounded(bic(m), 1) AS bic, rounded(bic(plain), 1) AS bic_plain, model_name(m), model_name(plain) AS plain_name FROM season_weak;
-- The figures of the candidates count its factors, as their BIC does.
SELECT c.model, c.param_count - p.param_count AS more, abs(c.bic - (c.param_count * ln(120) - 2 * c.log_likelihood)) < 1e-6 AS counted
FROM season_weak, clv_candidates(m) AS c JOIN LATERAL clv_candidates(plain) AS p USING (model) ORDER BY model;
-- It stays so in all forms; as a season that is given it is known.
SELECT m::text::clv_model = m AS same, m::jsonb -> 'season' -> 'weak' AS weak, fit_status(m::text::clv_model), season(m)::text::season = season(m) AS season FROM season_weak;
SELECT fit_status(clv_fit(customer_base(h, '2025-12-31'), 'bg/nbd', season => season(m))) AS given FROM season_few_histories, season_weak GROUP BY m;
SELECT create_customer_scores('few_scores', 'season_few', 'customer_id', 'ordered_on', 'amount', model => 'bg/nbd', season => 'week');
SELECT fit_status, warnings FROM few_scores_model;
SELECT DISTINCT fit_status, score_status FROM few_scores;
SELECT create_customer_scores('few_scores', 'season_few', 'customer_id', 'ordered_on', 'amount', model => 'bg/nbd', replace => true);
SELECT fit_status, warnings FROM few_scores_model;
SELECT '{"by": "year", "factors": [1], "weak": true}'::season;
SELECT '{"by": "month", "weak": 1, "counts": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}'::season;
SET client_min_messages = warning;
DROP MATERIALIZED VIEW few_scores CASCADE;
RESET client_min_messages;
DROP TABLE season_few, season_weak CASCADE;

-- A day of which 900,000 times the orders are expected: what many orders may come to takes as long as what few may, and the probabilities are those of the interval.
CREATE TABLE season_rush AS SELECT name, (jsonb_build_object('model', name, 'as_of', '1997-09-30', 'timing', timing, 'season', season_of_factors('year', '{1}', '{1997-10-10}', array_fill(f, ARRAY[1]))::jsonb))::text::clv_model AS m, f
FROM (VALUES ('pareto/nbd', '{"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}'::jsonb), ('gg/nbd', '{"r": 0.55, "alpha": 10.6, "b": 0.05, "s": 0.6, "beta": 1}'), ('bg/nbd', '{"r": 0.24, "alpha": 4.4, "a": 0.001, "b": 20.4}'), ('mbg/nbd', '{"r": 0.24, "alpha": 4.4, "a": 0.001, "b": 20.4}')) AS v(name, timing),
	unnest('{1e3,9e5}'::float8[]) AS f;
SET statement_timeout = '20s';
SELECT name, f, transactions_prediction_interval('{"orders": [["1997-01-01", 1], ["1997-03-01", 1], ["1997-08-02", 1]]}', m) FROM season_rush ORDER BY 1, 2;
RESET statement_timeout;
DROP TABLE season_rush;

-- Customers who would buy or leave many times a day: a day is as many panels, of which the first are enough, and nobody waits for the others.
-- Where all factors are one, the calendar is the plain clock.
SET statement_timeout = '5s';
SELECT v.model, v.timing, max(greatest(abs(alive_prob(h, s, as_of) - alive_prob(h, p, as_of)), abs(order_prob(h, s, 30, as_of) - order_prob(h, p, 30, as_of)),
		abs(expected_transactions(h, s, 30, as_of) / nullif(expected_transactions(h, p, 30, as_of), 0) - 1), abs(order_prob(h, s, 3650, as_of) - order_prob(h, p, 3650, as_of)))) < 1e-9 AS like_plain, count(score_status(h, s, as_of)) AS scored, bool_and(transactions_prediction_interval(h, s, horizon_days => 30, as_of => as_of) = transactions_prediction_interval(h, p, horizon_days => 30, as_of => as_of)) AS same_interval
FROM (VALUES ('pareto/nbd', '{"r": 1e12, "alpha": 8, "s": 3, "beta": 12}'::jsonb), ('pareto/nbd', '{"r": 2, "alpha": 8, "s": 1e12, "beta": 12}'), ('pareto/nbd', '{"r": 1e5, "alpha": 1e6, "s": 1e4, "beta": 1e6}'), ('pareto/nbd', '{"r": 2, "alpha": 8, "s": 1e5, "beta": 1e-12}'),
	('gg/nbd', '{"r": 1e12, "alpha": 8, "b": 1, "s": 3, "beta": 12}'), ('gg/nbd', '{"r": 2, "alpha": 8, "b": 1e-3, "s": 1e10, "beta": 12}'), ('gg/nbd', '{"r": 2, "alpha": 8, "b": 12, "s": 1e6, "beta": 1e3}')) AS v(model, timing),
	(VALUES ('{"orders": [["2024-09-25", 5]]}'::purchase_history), ('{"orders": [["2024-09-25", 5], ["2024-11-01", 5], ["2025-12-30", 5]]}')) AS c(h),
	LATERAL (SELECT jsonb_build_object('model', model, 'as_of', '2025-12-31', 'timing', timing)) AS j(m),
	LATERAL (SELECT m::text::clv_model AS p, (m || '{"season": {"by": "year", "factors": [1]}}')::text::clv_model AS s) AS models, (VALUES (date '2026-01-01')) AS d(as_of)
GROUP BY v.model, v.timing ORDER BY v.model, v.timing::text COLLATE "C";
RESET statement_timeout;

-- Customers who leave within days of their last order, years ago: the days of which nothing is left are passed over in the fit.
CREATE TABLE season_gone AS SELECT c, purchase_history(d) AS h
FROM (SELECT c, date '2023-01-01' + c % 1000 + o AS d FROM generate_series(1, 300) AS c, generate_series(0, 2) AS o WHERE o = 0 OR c % (3 * o) = 0) AS orders GROUP BY c;
SET client_min_messages = error;
SET statement_timeout = '30s';
SELECT v.model, abs(log_likelihood(clv_fit(base, v.model, season => season_of_factors('month', array_fill(1.0::float8, '{12}')))) / log_likelihood(clv_fit(base, v.model)) - 1) < 1e-6 AS like_plain
FROM (SELECT customer_base(h, '2026-06-01') AS base FROM season_gone) AS b, (VALUES ('gg/nbd'), ('pareto/nbd')) AS v(model);
RESET statement_timeout;
RESET client_min_messages;
DROP TABLE season_gone;

-- A season that is none gives the plain value, also of customers who all buy at nearly the same rate, and are gone at once.
SELECT r, round(plain::numeric, 6) AS plain, abs(flat / plain - 1) < 1e-9 AS same
FROM (VALUES (0.3), (10), (300), (50000)) AS v(r),
	LATERAL (SELECT format('{"model": "bg/nbd", "as_of": "2025-12-31", "timing": {"r": %s, "alpha": %s, "a": 2.21, "b": 0.503}}', r, 1.778 * r)::jsonb AS m) AS m,
	LATERAL (SELECT discounted_transactions('{"orders": [["2025-12-01", 10]]}', m::text::clv_model, 0.5) AS plain,
		discounted_transactions('{"orders": [["2025-12-01", 10]]}', (m || '{"season": {"by": "month", "factors": [1,1,1,1,1,1,1,1,1,1,1,1]}}')::text::clv_model, 0.5) AS flat) AS x;
