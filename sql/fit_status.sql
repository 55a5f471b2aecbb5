-- How far to trust a fit, in a word that a view can show.

CREATE TEMP TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(1000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id;
CREATE TEMP TABLE fits AS SELECT clv_fit(customer_base(h), 'bg/nbd') AS m FROM histories;

SELECT fit_status(m), converged(m) FROM fits;

-- Few are fewer than 100 customers, or fewer than 50 of them with a repeat transaction.
SET client_min_messages = warning;
SELECT fit_status(clv_fit(customer_base(h), 'bg/nbd')) AS ninety FROM histories WHERE customer_id <= 90;
SELECT v.customers, v.repeaters, fit_status(jsonb_set(jsonb_set(m::jsonb, '{timing_fit,customers}', v.customers::text::jsonb),
	'{repeat_customers}', v.repeaters::text::jsonb)::text::clv_model)
FROM fits, (VALUES (100, 50), (99, 50), (100, 49), (5, 1)) AS v(customers, repeaters);

-- Where no customer ever leaves, the dropout parameters are not identified.
SET client_min_messages = error;
SELECT fit_status(clv_fit(customer_base(h), 'bg/nbd', as_of => '2025-01-01')) FROM (
	SELECT purchase_history(date '2024-01-01' + (i % 7) + g * (5 + i % 11)) AS h
	FROM generate_series(1, 200) AS i, generate_series(0, (360 - i % 7) / (5 + i % 11)) AS g GROUP BY i) AS x;
RESET client_min_messages;

-- When several things speak against a fit the worst is said; each part counts.
CREATE FUNCTION pg_temp.changed(model clv_model, path text[], value jsonb) RETURNS clv_model LANGUAGE sql
	AS 'SELECT jsonb_set(model::jsonb, path, value)::text::clv_model';
SELECT fit_status(pg_temp.changed(m, '{timing_fit,converged}', 'false')) AS timing,
	fit_status(pg_temp.changed(m, '{spend_fit,converged}', 'false')) AS spend,
	fit_status(pg_temp.changed(m, '{timing_fit,prior_sd}', '10')) AS timing_open,
	fit_status(pg_temp.changed(m, '{spend_fit,prior_sd}', '10')) AS spend_open,
	fit_status(pg_temp.changed(m, '{timing_fit,prior_sd}', '3')) AS with_prior,
	fit_status(pg_temp.changed(pg_temp.changed(m, '{timing_fit,customers}', '7'), '{timing_fit,prior_sd}', '10')) AS few_and_open,
	fit_status(pg_temp.changed(pg_temp.changed(m, '{timing_fit,converged}', 'false'), '{timing_fit,prior_sd}', '10')) AS open_and_not_there
FROM fits;

-- Of a model that was written down there is nothing to say, nor of none.
SELECT fit_status('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}') IS NULL AS by_hand, fit_status(NULL) IS NULL AS no_model;

-- The view of scores shows it beside the name of the model.
CREATE TEMP TABLE orders AS SELECT customer_id, ordered_on, amount FROM histories, unnest(h) AS o(ordered_on, amount);
SELECT customer_scores_query('orders', 'customer_id', 'ordered_on', 'amount', model => 'bg/nbd') AS query \gset
SELECT model, fit_status, count(*) FROM (:query) AS s GROUP BY model, fit_status;
SELECT customer_scores_query('orders', 'customer_id', 'ordered_on', 'amount', as_of => '2024-01-01', model => 'bg/nbd') AS query \gset
SELECT model, fit_status, score_status, count(*) > 0 AS some FROM (:query) AS s GROUP BY model, fit_status, score_status;
