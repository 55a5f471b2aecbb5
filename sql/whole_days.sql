-- Orders are seen in whole days, and gaps between transactions are never shorter
-- than one. Whole days are not rhythm: k = 1 and k > 1 are told apart by the
-- likelihood of days, however dense orders are.
\set VERBOSITY terse
SET client_min_messages = error;
SET extra_float_digits = -9;

-- Shops of a year whose customers order at random (k = 1) or with a rhythm, from one
-- order in some months (alpha 5) to several a week (0.15).
CREATE FUNCTION shop(k int, alpha float8, seed int, customers int) RETURNS TABLE (customer_id bigint, h purchase_history)
LANGUAGE sql AS $$
	SELECT customer_id, purchase_history(ordered_at, amount)
	FROM simulate_orders(customers, format('{"model": %s, "timing": {"r": 0.6, "alpha": %s, "a": 0.8, "b": 2.5 %s}, "spend": {"p": 6, "q": 4, "gamma": 15}}',
		CASE WHEN k = 1 THEN '"bg/nbd"' ELSE '"bg/cnbd-k"' END, alpha, CASE WHEN k > 1 THEN ', "k": ' || k ELSE '' END)::clv_model,
		'2024-01-01', '2025-01-01', seed)
	GROUP BY customer_id
$$;
CREATE TABLE fits AS
SELECT shops.k, alpha, seed, clv_fit(base) AS m, r.k AS measured, r.std_error
FROM (SELECT k, alpha, seed, (SELECT customer_base(h) FROM shop(k, alpha, seed, 800)) AS base
	FROM unnest(ARRAY[1, 2, 3]) AS k, unnest(ARRAY[0.15, 0.5, 1.5, 5]) AS alpha, unnest(ARRAY[11, 12, 13]) AS seed OFFSET 0) AS shops,
	regularity(base) AS r;

-- auto takes k = 1 where it is, and no rhythm that is not there.
SELECT k, count(*) AS shops, count(*) FILTER (WHERE model_name(m) IN ('bg/nbd', 'mbg/nbd')) AS taken_as_random,
	count(*) FILTER (WHERE model_name(m) IN ('bg/cnbd-k', 'mbg/cnbd-k')) AS taken_as_rhythm
FROM fits GROUP BY k ORDER BY k;
-- k is that of the shop, not one more.
SELECT k, (m::jsonb -> 'timing' ->> 'k')::int AS found, count(*) FROM fits WHERE k > 1 GROUP BY 1, 2 ORDER BY 1, 2;
-- regularity measures the same, within what chance allows.
SELECT k, bool_and(abs(measured - k) < 4 * std_error) AS within_four_errors, bool_and(std_error < 0.25 * k) AS well_known,
	abs(avg(measured) - k) < 0.1 * k AS right_in_the_mean
FROM fits GROUP BY k ORDER BY k;

-- bic compares in whole days; the log-likelihood is the continuous one, that others publish.
SELECT k, bool_and(abs(c.bic - (c.param_count * ln(customer_count(m)) - 2 * c.log_likelihood)) < 1e-6) AS continuous
FROM fits, clv_candidates(m) AS c WHERE c.model NOT LIKE '%cnbd%' OR k = 1 GROUP BY k ORDER BY k;
SELECT bool_and(log_likelihood(m) = c.log_likelihood) AS same FROM fits, clv_candidates(m) AS c WHERE c.chosen;

-- What is foretold is not worse for it: the log score of auto is that of the true model.
SELECT k, alpha, round((auto.log_score - truth.log_score)::numeric, 3) >= -0.003 AS as_good
FROM (SELECT k, alpha, holdout(h, '2024-09-30', '2024-12-31') AS auto_v,
		holdout(h, '2024-09-30', '2024-12-31', CASE WHEN k = 1 THEN 'bg/nbd' ELSE 'bg/cnbd-k' END) AS truth_v
	FROM (VALUES (1, 0.15, 11), (1, 0.5, 11), (1, 1.5, 12), (2, 0.5, 11), (3, 0.5, 12)) AS v (k, alpha, seed), shop(k, alpha, seed, 1500)
	GROUP BY k, alpha) AS x, holdout_summary(auto_v) AS auto, holdout_summary(truth_v) AS truth ORDER BY 1, 2;
SELECT model_name(holdout_model(v)), round(log_score::numeric, 3) AS log_score
FROM (SELECT holdout(h, '2024-09-30', '2024-12-31') AS v FROM shop(1, 0.5, 11, 1500)) AS x, holdout_summary(v);

-- Customers who order every day, or at equal gaps, tell nothing of k that could be believed.
SELECT regularity(customer_base(h)) FROM (
	SELECT purchase_history(date '2026-01-01' + i, 1.0) AS h FROM generate_series(1, 30) AS customer, generate_series(0, 20) AS i GROUP BY customer) AS x;
DROP TABLE fits;
DROP FUNCTION shop;
