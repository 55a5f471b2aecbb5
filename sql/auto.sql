-- The model that fits: clv_fit tries them all and keeps the one with the lowest
-- BIC, unless it is told which one to take.
\set VERBOSITY terse
SET extra_float_digits = -9;
CREATE TABLE shops AS
SELECT name, o.customer_id, purchase_history(o.ordered_at, o.amount) AS h
FROM (VALUES
	('bg/nbd', '{"model": "bg/nbd", "timing": {"r": 0.6, "alpha": 9, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model),
	('mbg/nbd', '{"model": "mbg/nbd", "timing": {"r": 0.6, "alpha": 9, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'),
	('pareto/nbd', '{"model": "pareto/nbd", "timing": {"r": 0.6, "alpha": 9, "s": 0.8, "beta": 10}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')) AS t(name, m),
	LATERAL simulate_orders(6000, m, '2024-01-01', '2025-12-31', 5) AS o
GROUP BY 1, 2;
CREATE TABLE fits AS SELECT name, clv_fit(customer_base(h)) AS m FROM shops GROUP BY name;
SELECT name AS truth, model_name(m) FROM fits ORDER BY 1;

-- The model says what else was tried, and how well it did.
SELECT c.model, c.param_count, c.converged, c.chosen, round((c.bic - bic(m))::numeric) >= 0 AS no_better,
	abs(c.bic - (c.param_count * ln(customer_count(m)) - 2 * c.log_likelihood)) < 1e-6 AS bic
FROM fits, clv_candidates(m) AS c WHERE name = 'mbg/nbd' ORDER BY c.model;
SELECT count(*) = count(*) FILTER (WHERE c.log_likelihood = log_likelihood(clv_fit(base, c.model))) AS same_alone
FROM fits, LATERAL (SELECT customer_base(h) AS base FROM shops WHERE shops.name = fits.name) AS x, clv_candidates(m) AS c WHERE name = 'bg/nbd';
SELECT count(*) FROM fits, clv_candidates(clv_fit((SELECT customer_base(h) FROM shops WHERE customer_id < 1000), 'bg/nbd'));
SELECT bool_and(m = m::text::clv_model) AS text FROM fits;
SELECT jsonb_array_length(m::jsonb -> 'candidates') = (SELECT count(*) FROM clv_candidates(m)) AS told FROM fits WHERE name = 'bg/nbd';

-- Parameters have intervals, which are those of their logarithms.
SELECT bool_and(low > 0 AND low < estimate AND estimate < high) AS around,
	bool_and(abs(ln(high / estimate) - 1.959964 * std_error / estimate) < 1e-6) AS delta_method
FROM fits, clv_params(m) WHERE name = 'bg/nbd';

-- A model given by its parameters has no fit.
SELECT * FROM clv_params('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}');
SELECT model_name('{"model": "gg/nbd", "timing": {"r": 1, "alpha": 2, "b": 0.1, "s": 3, "beta": 4}}');
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "candidates": [{"model": "astrology", "param_count": 1, "converged": true}]}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "candidates": [{"model": "bg/nbd", "param_count": 0, "converged": true}]}'::clv_model;
SELECT '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "candidates": ["bg/nbd"]}'::clv_model;
DROP TABLE shops, fits;
