-- Models go by their names in any case, wherever one is asked for, and asking for one
-- that does not exist is told which there are.

CREATE TEMP TABLE histories AS
SELECT purchase_history(ordered_at, amount) AS h
FROM simulate_orders(300, '{"model": "BG/NBD", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id;

SET client_min_messages = error;
SELECT model_name(clv_fit(customer_base(h), 'BG/NBD')) AS upper_case, model_name(clv_fit(customer_base(h), 'Pareto/NBD')) AS as_in_papers,
	model_name(clv_fit(customer_base(h, 'month'), 'BG/BB')) AS discrete,
	model_name(clv_fit(customer_base(h), 'AUTO')) = model_name(clv_fit(customer_base(h), 'auto')) AS automatic
FROM histories;
SELECT model_name(holdout_model(holdout(h, '2024-12-31', '2025-12-31', 'Mbg/Nbd'))) FROM histories;
SELECT holdout(h, '2024-12-31', '2025-12-31', 'Auto')::jsonb -> 'model' AS stored FROM histories;
-- What is stored has one name only, and that of the spend model if it is not gamma-gamma.
SELECT '{"model": "MBG/NBD", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'::clv_model::jsonb ->> 'model' AS clv_model,
	'{"model": "SBG", "period_months": 12, "params": {"alpha": 1, "beta": 9}}'::retention_model::jsonb ->> 'model' AS retention_model,
	'{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "spend": {"model": "Gamma-Gamma", "p": 6, "q": 4, "gamma": 15}}'::clv_model::jsonb -> 'spend' AS spend;
CREATE TEMP TABLE contracts AS SELECT retention_base(tenure, ended, customers, interval '1 year') AS base
FROM (VALUES (1, true, 300), (2, true, 100), (3, true, 50), (4, true, 40), (4, false, 510)) AS v(tenure, ended, customers);
SELECT retention_fit(base, 'BDW')::jsonb ->> 'model' AS contracts FROM contracts;

CREATE TEMP TABLE orders AS SELECT customer_id, ordered_at, amount::numeric(12,2)
FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
SELECT customer_scores_query('orders', 'customer_id', 'ordered_at', 'amount', model => 'Pareto/NBD') LIKE '%''pareto/nbd''%' AS in_a_query;

-- Who asks for what there is not is told what there is, and what cannot be is refused at once.
SELECT clv_fit(customer_base(h), 'bgnbd') FROM histories;
SELECT holdout(h, '2024-12-31', '2025-12-31', '') FROM histories;
SELECT holdout(h, '2024-12-31', '2025-12-31', 'BG/BB') FROM histories;
SELECT retention_fit(base, 'bg/nbd') FROM contracts;
SELECT customer_scores_query('orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/bb');
SELECT create_customer_scores('scores', 'orders', 'customer_id', 'ordered_at', 'amount', model => 'BG/BB');
SELECT customer_scores_query('orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd ');
SELECT '{"model": "bg nbd"}'::clv_model;
SELECT '{"model": "bg/bb", "calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "customers": []}'::clv_holdout;
SELECT '{"model": "bg/nbd", "period_months": 12, "params": {"alpha": 1, "beta": 9}}'::retention_model;
