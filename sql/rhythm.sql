-- Customers who buy with a rhythm: BG/CNBD-k and MBG/CNBD-k (Reutterer, Platzer
-- & Schröder 2021). The time between two purchases has k stages; k is the whole
-- number that the likelihood prefers, and 1 is no rhythm at all.
\set VERBOSITY terse
SET datestyle = iso;
CREATE TABLE shops AS
SELECT name, m, o.customer_id, purchase_history(o.ordered_at, o.amount) AS h
FROM (VALUES
	('rhythm', '{"model": "mbg/cnbd-k", "timing": {"r": 1.3, "alpha": 12, "a": 0.5, "b": 2, "k": 3}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model),
	('random', '{"model": "mbg/nbd", "timing": {"r": 0.9, "alpha": 20, "a": 0.5, "b": 2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')) AS t(name, m),
	LATERAL simulate_orders(3000, m, '2022-01-01', '2026-01-01', 11) AS o
GROUP BY 1, 2, 3;

-- The gaps alone tell how regular purchases are, whatever the model.
SELECT name, round(k::numeric, 1) AS k, std_error < 0.1 AS known FROM (SELECT name, customer_base(h) AS base FROM shops GROUP BY name) AS x, regularity(base)
ORDER BY name;

-- The fit finds the same, and auto knows that rhythm is worth a parameter where there is one.
CREATE TABLE fits AS SELECT name, clv_fit(customer_base(h), as_of => '2025-12-31') AS m FROM shops GROUP BY name;
SELECT name, model_name(m) FROM fits ORDER BY 1;
SELECT param, t.estimate AS truth, coalesce(abs(f.estimate - t.estimate) < 3 * f.std_error, f.estimate = t.estimate) AS found, f.std_error IS NULL AS whole
FROM fits, clv_params(fits.m) AS f JOIN LATERAL clv_params((SELECT m FROM shops WHERE name = 'rhythm' LIMIT 1)) AS t USING (part, param)
WHERE name = 'rhythm' AND part = 'timing';

-- With a rhythm, silence counts more: a customer of monthly orders who has not
-- come for ten weeks is late, and the model without rhythm knows it less well.
SELECT model, round(alive_prob(h, m, day)::numeric, 2) AS alive, next_order_on(h, m, 0.5, day) - day AS days_to_next, days_overdue(h, m, day)
FROM (SELECT purchase_history(date '2025-01-01' + 30 * i, 10.0) AS h FROM generate_series(0, 8) AS i) AS customer,
	(SELECT 'cnbd' AS model, m FROM fits WHERE name = 'rhythm'
	 UNION ALL SELECT 'nbd', clv_fit(customer_base(h), 'mbg/nbd', as_of => '2025-12-31') FROM shops WHERE name = 'rhythm') AS models,
	unnest(ARRAY[date '2025-08-29', '2025-11-07']) AS day ORDER BY day, model;
-- When the last order was matters for what a live customer does next, which no other model says.
SELECT model, expected_transactions(h, m, 20, '2025-08-30') / alive_prob(h, m, '2025-08-30') < expected_transactions(h, m, 20, '2025-09-20') / alive_prob(h, m, '2025-09-20') AS due
FROM (SELECT purchase_history(date '2025-01-01' + 30 * i, 10.0) AS h FROM generate_series(0, 8) AS i) AS customer,
	(SELECT 'cnbd' AS model, m FROM fits WHERE name = 'rhythm'
	 UNION ALL SELECT 'nbd', clv_fit(customer_base(h), 'mbg/nbd', as_of => '2025-12-31') FROM shops WHERE name = 'rhythm') AS models
ORDER BY model;

-- A base whose gaps are not known (written down without them) has no k; auto leaves these models out.
CREATE TABLE written AS SELECT (customer_base(h)::jsonb - 'gaps')::text::customer_base AS base FROM shops WHERE name = 'random';
SELECT clv_fit(base, 'bg/cnbd-k') FROM written;
SELECT model_name(m), (SELECT count(*) FROM clv_candidates(m)) AS candidates FROM (SELECT clv_fit(base) AS m FROM written) AS x;

SELECT '{"model": "bg/cnbd-k", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4, "k": 2.5}}'::clv_model;
SELECT '{"model": "bg/cnbd-k", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4, "k": 25}}'::clv_model;
SELECT bool_and(m = m::text::clv_model) AS text FROM fits;
DROP TABLE shops, fits, written;
