-- The other models of when customers order: Pareto/NBD, MBG/NBD and GG/NBD.

SET datestyle = ISO;
SET extra_float_digits = -9;

-- The published parameters of the CDNOW sample (weeks), and a customer of the papers.
CREATE TABLE models AS
SELECT name, ('{"model": "' || name || '", "as_of": "1997-09-30", "timing": ' || timing ||
	', "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')::clv_model AS m
FROM (VALUES
	('bg/nbd', '{"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}'),
	('mbg/nbd', '{"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}'),
	('pareto/nbd', '{"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}'),
	('gg/nbd', '{"r": 0.553, "alpha": 10.578, "b": 0.0002, "s": 0.603, "beta": 0.0026}')) AS v(name, timing);
CREATE TABLE customer AS
SELECT '{"orders": [["1997-01-01", 29.33], ["1997-01-18", 29.73], ["1997-08-02", 14.96]]}'::purchase_history AS h,
	'{"orders": [["1997-01-01", 6.79]]}'::purchase_history AS one_order;

-- Who has ordered once may be gone in every model but BG/NBD.
SELECT name, churn_prob(h, m) AS churn_prob, expected_transactions(h, m, 273) AS orders_273d, clv_estimate(h, m) AS clv_365d,
	churn_prob(one_order, m) AS one_order_churn_prob, expected_transactions(one_order, m, 273) AS one_order_orders_273d
FROM models, customer ORDER BY name COLLATE "C";

-- A longer silence is worse in all of them.
SELECT name, bool_and(alive < before) AS falls FROM (
	SELECT name, d, alive_prob(h, m, date '1997-09-30' + d) AS alive,
		lag(alive_prob(h, m, date '1997-09-30' + d)) OVER (PARTITION BY name ORDER BY d) AS before
	FROM models, customer, generate_series(0, 1000, 50) AS d) AS x
WHERE before IS NOT NULL GROUP BY name ORDER BY name COLLATE "C";

-- Simulated customers who live by a model let the fit find its parameters again.
CREATE TABLE truths AS
SELECT name, ('{"model": "' || name || '", "time_unit_days": 30, "timing": ' || timing ||
	', "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')::clv_model AS m
FROM (VALUES
	('mbg/nbd', '{"r": 0.6, "alpha": 4, "a": 0.8, "b": 2.5}'),
	('pareto/nbd', '{"r": 0.6, "alpha": 4, "s": 0.7, "beta": 9}')) AS v(name, timing);
CREATE TABLE fits AS
SELECT name, t.m AS truth, clv_fit(customer_base(h), name, as_of => '2024-12-31', time_unit_days => 30) AS m
FROM truths AS t, LATERAL (
	SELECT purchase_history(ordered_at, amount) AS h FROM simulate_orders(4000, t.m, '2015-01-01', '2025-01-01', 7)
	GROUP BY customer_id) AS x
GROUP BY name, t.m;
SELECT name, converged(m), f.param, f.identified, abs(f.estimate - t.estimate) < 3 * f.std_error AS found
FROM fits, clv_params(m) AS f JOIN LATERAL clv_params(truth) AS t USING (part, param)
WHERE part = 'timing' ORDER BY name COLLATE "C", f.param;

-- Each model fits its own customers better than another does.
SELECT name, log_likelihood(m) > log_likelihood(other) AS better FROM fits, LATERAL (
	SELECT clv_fit(customer_base(h), 'bg/nbd', as_of => '2024-12-31', time_unit_days => 30) AS other FROM (
		SELECT purchase_history(ordered_at, amount) AS h FROM simulate_orders(4000, truth, '2015-01-01', '2025-01-01', 7)
		GROUP BY customer_id) AS x) AS y ORDER BY name COLLATE "C";

-- Every model goes through text and binary.
SELECT name, m = m::text::clv_model AS text FROM models ORDER BY name COLLATE "C";
\copy models TO 'results/models.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (LIKE models);
\copy copied FROM 'results/models.bin' WITH (FORMAT binary)
SELECT count(*) FROM models JOIN copied USING (name, m);

-- The scoring view takes the model's name.
CREATE TABLE orders AS
SELECT o.* FROM models, simulate_orders(500, m, '2024-01-01', '2026-01-01', 1) AS o WHERE name = 'pareto/nbd';
SELECT create_customer_scores('pareto_scores', 'orders', 'customer_id', 'ordered_at', 'amount', model => 'pareto/nbd');
SELECT count(*), count(clv_365d), count(*) FILTER (WHERE order_count = 1 AND churn_prob > 0) > 0 AS one_timers_may_be_gone
FROM pareto_scores;
DROP VIEW pareto_scores_bi, pareto_scores_model;
DROP MATERIALIZED VIEW pareto_scores;

DROP TABLE models, customer, truths, fits, orders;
