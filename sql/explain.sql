-- explain_score: why a customer has this segment and this value, in a sentence to forward.

CREATE TABLE customers AS SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(2000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id;
CREATE TABLE of_all AS SELECT '{"model": "mbg/nbd", "time_unit_days": 7, "as_of": "2025-12-31", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m,
	(SELECT rfm_cuts(recency_days(h, '2025-12-31'), order_count(h), total_spend(h)) FROM customers) AS c;

SELECT customer_id, explain_score(h, m, c) FROM customers, of_all WHERE customer_id <= 8 ORDER BY customer_id;
SELECT reason, round(value::numeric, 4) AS value, score, threshold, next_threshold, percentile FROM customers, of_all, score_reasons(h, m, c) WHERE customer_id = 1;

-- Every segment and every lifecycle has its sentence, and nobody gets NULL or an empty piece.
SELECT segment, explain_score(h, m, c) FROM (SELECT DISTINCT ON (segment COLLATE "C") * FROM customers, of_all,
	segment_of(rfm_score(recency_days(h, '2025-12-31'), order_count(h), total_spend(h), c)) AS segment ORDER BY segment COLLATE "C", customer_id) AS x;
SELECT lifecycle, explain_score(h, m, c) FROM (SELECT DISTINCT ON (lifecycle COLLATE "C") * FROM customers, of_all, lifecycle_of(h, m) AS lifecycle ORDER BY lifecycle COLLATE "C", customer_id) AS x;
SELECT count(*) AS explained, count(*) FILTER (WHERE s IS NULL OR s !~ '^[A-Z].*\.$' OR s ~ '; ;|, ,|, ;|: ;|more than 0|\( |NaN|; \.|%[0-9]') AS wrong
FROM customers, of_all, explain_score(h, m, c) AS s WHERE customer_id <= 400;
-- Its numbers are those that functions return.
SELECT count(*) FILTER (WHERE s NOT LIKE concat(segment_of(rfm_score(recency_days(h, '2025-12-31'), order_count(h), total_spend(h), c)), ' (R%', recency_days(h, '2025-12-31'), ' days ago%'
		, round(total_spend(h)::numeric, 2), '%', lifecycle_of(h, m), '%', round(clv_estimate(h, m)::numeric, 2), '%') AND recency_days(h, '2025-12-31') > 1 AND lifecycle_of(h, m) <> 'slipping') AS wrong,
	count(*) FILTER (WHERE recency_days(h, '2025-12-31') NOT BETWEEN coalesce(nullif(next_threshold, '-Infinity'), 0) AND coalesce(threshold, 'Infinity') AND reason = 'recency_days') AS wrong_range
FROM customers, of_all, explain_score(h, m, c) AS s, score_reasons(h, m, c) AS r WHERE customer_id <= 100;

-- Every model.
SELECT model, explain_score(h, model::clv_model, c, as_of => '2025-12-31') FROM customers, of_all, (VALUES
	('{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}}'), ('{"model": "pareto/nbd", "timing": {"r": 0.8, "alpha": 8, "s": 0.6, "beta": 9}}'),
	('{"model": "gg/nbd", "timing": {"r": 0.8, "alpha": 8, "b": 0.05, "s": 0.6, "beta": 0.5}}'), ('{"model": "bg/cnbd-k", "timing": {"k": 2, "r": 0.8, "alpha": 4, "a": 0.8, "b": 3.2}}'),
	('{"model": "mbg/cnbd-k", "timing": {"k": 2, "r": 0.8, "alpha": 4, "a": 0.8, "b": 3.2}}')) AS v(model) WHERE customer_id = 1;

-- Every status: what cannot be said is left out, and why is said.
SELECT what, score_status(h, model, d) AS status, explain_score(h, model, c, as_of => d) FROM of_all AS o, LATERAL (VALUES
	('no history', NULL::purchase_history, o.m, NULL::date), ('no order', '{"orders": []}', o.m, NULL), ('only a refund', '{"orders": [["2025-03-01", -5]]}', o.m, NULL),
	('first order later', '{"orders": [["2026-03-01", 20]]}', o.m, NULL), ('orders later', '{"orders": [["2025-03-01", 20], ["2026-03-01", 20]]}', o.m, NULL),
	('no amounts', '{"orders": [["2025-03-01", null], ["2025-05-01", null]]}', o.m, NULL), ('free', '{"orders": [["2025-03-01", 20], ["2025-05-01", 0]]}', o.m, NULL),
	('no model', '{"orders": [["2025-03-01", 20], ["2025-05-01", 30]]}', NULL, NULL), ('no model, a day', '{"orders": [["2025-03-01", 20], ["2025-05-01", 30]]}', NULL, '2025-12-31'),
	('no spend model', '{"orders": [["2025-03-01", 20], ["2025-05-01", 30]]}', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 8, "a": 1, "b": 3}, "as_of": "2025-12-31"}', NULL),
	('covariates', '{"orders": [["2025-03-01", 20], ["2025-05-01", 30]]}', '{"model": "pareto/nbd", "covariates": ["age"], "timing": {"r": 0.8, "alpha": 8, "s": 0.6, "beta": 9}, "coefficients": {"rate:age": 0.1, "dropout:age": 0.1}, "as_of": "2025-12-31"}', NULL),
	('today', '{"orders": [["2025-12-31", 20]]}', o.m, NULL), ('yesterday', '{"orders": [["2025-12-30", 20]]}', o.m, NULL)) AS v(what, h, model, d);
-- The statuses that depend on the model: few data, a mean spend that is not defined, a value beyond a double.
SELECT what, score_status(h, model::clv_model) AS status, explain_score(h, model::clv_model, c) FROM of_all, (VALUES
	('few data', (SELECT h FROM customers WHERE customer_id = 1), (SELECT clv_fit(customer_base(h), 'bg/nbd')::text FROM customers WHERE customer_id <= 20)),
	('no mean', '{"orders": [["2025-12-01", 20]]}', '{"model": "bg/nbd", "as_of": "2025-12-31", "timing": {"r": 1, "alpha": 8, "a": 1, "b": 3}, "spend": {"p": 6, "q": 0.5, "gamma": 15}}'),
	('beyond a double', '{"orders": [["2025-12-01", 20], ["2025-12-20", 30]]}', '{"model": "bg/nbd", "as_of": "2025-12-31", "timing": {"r": 1, "alpha": 8, "a": 1, "b": 3}, "spend": {"p": 1e300, "q": 1.0000001, "gamma": 1e300}}')) AS v(what, h, model);
SELECT explain_score('{"orders": [["2025-12-30", 20], ["2025-12-31", 20]]}', m, c) AS every_day, explain_score('{"orders": [["2025-12-29", 20], ["2025-12-30", 20]]}', m, c, as_of => '2026-01-01') AS one_day_overdue FROM of_all;
-- Two orders on one day are one day of the model, but are not called one order.
SELECT explain_score('{"orders": [["2025-12-31", 20], ["2025-12-31", 20]]}', m, c) AS two_orders FROM of_all;
SELECT explain_score('{"orders": [["2025-12-31", 12345678901234.56]]}', m, c) AS large_spend FROM of_all;
SELECT explain_score(h, m, NULL) AS no_cuts FROM customers, of_all WHERE customer_id = 1;
SELECT explain_score(NULL, NULL, NULL), (SELECT count(*) FROM score_reasons(NULL, NULL, NULL)) AS reasons;

-- Rules and levels of one's own; a base without amounts.
SELECT explain_score(h, m, c, '{"rules": [{"segment": "All customers"}]}') AS own_rules, explain_score(h, m, c, '{"rules": [{"segment": "VIP", "r": [5, 5], "f": [5, 5], "m": [5, 5]}]}') AS none_fits
FROM customers, of_all WHERE customer_id = 1;
SELECT levels, explain_score(h, m, (SELECT rfm_cuts(recency_days(x.h, '2025-12-31'), order_count(x.h), total_spend(x.h), levels) FROM customers AS x))
FROM customers, of_all, unnest('{2,3,10}'::int[]) AS levels WHERE customer_id = 1;
SELECT explain_score('{"orders": [["2025-03-01", null], ["2025-05-01", null]]}', m, (SELECT rfm_cuts(recency_days(h, '2025-12-31'), order_count(h), 0) FROM customers)) FROM of_all;

-- All texts are in one table; a language without texts is not made up.
SELECT language, count(*), count(DISTINCT piece) FROM explanation_texts() GROUP BY language;
SELECT word AS status_without_text FROM unnest('{one_order,weak_fit,later_orders,no_model,no_orders,not_yet_customer,no_covariates,inconsistent_numbers,no_spend_model,no_amounts,no_repeat_spend,spend_mean_undefined,out_of_range}'::text[]) AS word
WHERE 'status ' || word NOT IN (SELECT piece FROM explanation_texts());
SELECT explain_score(h, m, c, language => 'tlh') FROM customers, of_all WHERE customer_id = 1;
SELECT explain_score(h, m, c, language => '') FROM customers, of_all WHERE customer_id = 1;
SELECT explain_score(h, m, c, language => NULL) IS NULL AS nothing FROM customers, of_all WHERE customer_id = 1;
-- The value is by the terms that are asked for, and the page of a customer says by which.
SELECT substring(explain_score(h, m, c, margin => 0.1, horizon_days => 90) FROM 'expected .*$') = format('expected in 90 days %s.', rounded(clv_estimate(h, m, 90, margin => 0.1))) AS terms,
	customer_360('x', h, m, c, '2025-12-31', margin => 0.1, horizon_days => 90) -> 'scores' ->> 'why' LIKE format('%%expected in 90 days %s.', customer_360('x', h, m, c, '2025-12-31', margin => 0.1, horizon_days => 90) -> 'scores' ->> 'clv') AS same,
	customer_360('x', h, m, c, '2025-12-31') -> 'scores' -> 'terms' AS page FROM customers, of_all WHERE customer_id = 1;
DROP TABLE customers, of_all;
