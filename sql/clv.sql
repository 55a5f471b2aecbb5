-- clv_model: fitting, and what a fit tells of itself.

SET datestyle = ISO;
SET extra_float_digits = -9;

-- A model can be given by its parameters.
SELECT '{"model": "bg/nbd", "timing": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}'::clv_model;
CREATE TABLE truth AS
SELECT '{"model": "bg/nbd", "time_unit_days": 30, "timing": {"r": 0.6, "alpha": 3, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;

-- Simulated customers who live by it, over ten years …
CREATE TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM truth, simulate_orders(8000, m, '2015-01-01', '2025-01-01', 42) GROUP BY customer_id;
CREATE TABLE fits AS
SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2024-12-31', time_unit_days => 30) AS m FROM histories;

-- … let the fit find the parameters again, within their standard errors.
SELECT f.part, f.param, t.estimate AS truth, f.estimate, f.std_error, f.identified,
	abs(f.estimate - t.estimate) < 3 * f.std_error AS found
FROM fits, truth, clv_params(fits.m) AS f JOIN LATERAL clv_params(truth.m) AS t USING (part, param);
SELECT converged(m), customer_count(m), fitted_as_of(m), log_likelihood(m), spend_log_likelihood(m), aic(m), bic(m)
FROM fits;
SELECT converged(m), customer_count(m), fitted_as_of(m), log_likelihood(m), aic(m) FROM truth;
SELECT m::jsonb - 'timing' - 'spend' - 'timing_fit' - 'spend_fit' AS head FROM fits;

-- The time unit is a matter of taste: times scale, and everything else stays.
SELECT a.param, b.estimate / a.estimate AS weeks_per_month
FROM (SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2024-12-31', time_unit_days => 30) AS months,
		clv_fit(customer_base(h), 'bg/nbd', as_of => '2024-12-31', time_unit_days => 7) AS weeks FROM histories) AS x,
	clv_params(months) AS a JOIN LATERAL clv_params(weeks) AS b USING (part, param);

-- In one line, also as a window function: the fit is made once for all rows.
-- (With so few customers the fit says a word of caution: it stands here once.)
SELECT count(*), count(DISTINCT clv) FROM (
	SELECT clv_estimate(h, clv_model(h) OVER ()) AS clv FROM histories WHERE customer_id <= 60) AS x;
SELECT clv_model(h) = clv_fit(customer_base(h)) AS same FROM histories;
SELECT customer_id % 2 AS odd, converged(clv_model(h)) FROM histories GROUP BY 1 ORDER BY 1;

-- Without amounts there is no spend part.
SELECT part, param, estimate FROM (
	SELECT clv_fit(customer_base(h), 'bg/nbd') AS m FROM (
		SELECT purchase_history(ordered_at) AS h
		FROM truth, simulate_orders(1000, m, '2015-01-01', '2025-01-01', 1) GROUP BY customer_id) AS x) AS y,
	clv_params(m);

-- Spend is exact for up to 100,000 customers, and in bins beyond. The bins give
-- the same fit: here are the same customers exactly, and after 120,000 others
-- (with 10,000 repeat orders each) have come and gone again.
CREATE FUNCTION pg_temp.others(first int) RETURNS customer_base LANGUAGE sql AS $$
	SELECT ('{"timing": [[10000, 20000, "1960-01-01", 60000]], "spend": ' ||
		jsonb_agg(jsonb_build_array(10000, i, 1))::text || '}')::customer_base
	FROM generate_series(first, first + 59999) AS i
$$;
CREATE FUNCTION pg_temp.without_others(entries jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(entry) FROM jsonb_array_elements(entries) AS entry WHERE (entry -> 0)::int < 10000
$$;
CREATE TABLE bases AS SELECT customer_base(h) AS exact FROM histories;
ALTER TABLE bases ADD binned customer_base;
WITH both_kinds AS (SELECT (exact || pg_temp.others(1) || pg_temp.others(60001))::jsonb AS j FROM bases)
UPDATE bases SET binned = (jsonb_set(jsonb_set(j, '{timing}', pg_temp.without_others(j -> 'timing')),
	'{spend_bins}', pg_temp.without_others(j -> 'spend_bins')))::text::customer_base FROM both_kinds;
SELECT exact::jsonb ? 'spend' AS exact, binned::jsonb ? 'spend_bins' AS binned,
	customer_count(exact) = customer_count(binned) AS same_customers FROM bases;
SELECT param, abs(b.estimate / e.estimate - 1) < 1e-6 AS same
FROM (SELECT clv_fit(exact, 'bg/nbd') AS exact, clv_fit(binned, 'bg/nbd') AS binned FROM bases) AS x,
	clv_params(exact) AS e JOIN LATERAL clv_params(binned) AS b USING (part, param);
DROP TABLE bases;

-- What cannot be fitted is refused, by name; one can ask first.
SELECT clv_fit(customer_base(h), 'bg/nbd') FROM histories WHERE customer_id <= 4;
SELECT clv_fit(customer_base(h), 'bg/nbd') FROM histories WHERE repeat_count(h) = 0;
SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2020-01-01') FROM histories;
SELECT clv_fit(customer_base(h), 'astrology') FROM histories;
SELECT clv_fit(customer_base(h), 'bg/nbd', time_unit_days => 0) FROM histories;
SELECT clv_fit(customer_base(h), NULL) FROM histories;
SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => 'infinity') FROM histories;
SELECT clv_fit_problem(customer_base(h)) FROM histories WHERE customer_id <= 4;
SELECT clv_fit_problem(customer_base(h)) FROM histories WHERE repeat_count(h) = 0;
SELECT clv_fit_problem(customer_base(h), '2020-01-01') FROM histories;
SELECT clv_fit_problem(customer_base(h)), clv_fit_problem(NULL) FROM histories;
SELECT clv_fit(NULL), clv_model(h) FROM histories WHERE false;

-- What is not identified is reported, and marked. Here no customer ever leaves …
SELECT part, param, std_error IS NULL AS no_std_error, identified FROM (
	SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2025-01-01') AS m FROM (
		SELECT purchase_history(date '2024-01-01' + (i % 7) + g * (5 + i % 11)) AS h
		FROM generate_series(1, 200) AS i, generate_series(0, (360 - i % 7) / (5 + i % 11)) AS g GROUP BY i) AS x) AS y,
	clv_params(m);
-- … and here everyone is gone after the second order.
SELECT part, param, identified FROM (
	SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2025-01-01') AS m FROM (
		SELECT purchase_history(date '2024-01-01' + g * (1 + i % 5)) AS h
		FROM generate_series(1, 200) AS i, generate_series(0, 1) AS g GROUP BY i) AS x) AS y,
	clv_params(m);

-- Text and binary round trips.
SELECT m = m::text::clv_model AS text, m::jsonb ->> 'model' AS model FROM fits UNION ALL
SELECT m = m::text::clv_model, m::jsonb ->> 'model' FROM truth;
\copy (SELECT m FROM fits UNION ALL SELECT m FROM truth) TO 'results/clv_model.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (m clv_model);
\copy copied FROM 'results/clv_model.bin' WITH (FORMAT binary)
SELECT count(*) FROM copied WHERE m IN (SELECT m FROM fits UNION ALL SELECT m FROM truth);

-- Broken text is refused, by name.
SELECT '{}'::clv_model;
SELECT '{"model": "astrology", "timing": {}}'::clv_model;
SELECT '{"model": "bg/nbd"}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1}}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1, "c": 1}}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": -1}}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "time_unit_days": 0}'::clv_model;
-- In units so short a month is infinitely long, and no sum of orders in it would end.
SELECT new_customer_transactions('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "time_unit_days": 1e-312}', 30);
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "timing_fit": {"unidentified": ["z"]}}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "timing_fit": {"covariance": [1]}}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "spend_fit": {}}'::clv_model;

DROP TABLE truth, histories, fits;

-- A percentage for a share is said once in a statement, however many rows and functions, and again in the next; it is no error, since both may be meant.
SELECT count(clv_estimate(i, 10, 100, 25, m, 365, 0.1, 40)) AS values FROM generate_series(1, 50) AS i, (SELECT '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model) AS x(m);
SELECT count(clv_estimate(i, 10, 100, 25, m, 365, 10, 1)) AS values, count(discounted_transactions(i, 10, 100, m, 10)) AS transactions FROM generate_series(1, 50) AS i, (SELECT '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model) AS x(m);
SELECT count(clv_estimate(i, 10, 100, 25, m, 365, 0.99, 1)) AS values FROM generate_series(1, 50) AS i, (SELECT '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model) AS x(m);
