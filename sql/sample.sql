-- A sample of customers for a fit: reproducible, and with its error.

CREATE TABLE ids AS SELECT n AS id, in_sample(n, 0.1) AS tenth FROM generate_series(1, 100000) AS n;
-- The share, by a hash of the id: of any range of ids, and of any ids with a step.
SELECT abs(avg(tenth::int) - 0.1) < 0.004 AS share, abs(avg(tenth::int) FILTER (WHERE id % 10 = 0) - 0.1) < 0.012 AS of_a_step,
	abs(avg(tenth::int) FILTER (WHERE id <= 10000) - 0.1) < 0.012 AS of_a_range FROM ids;
-- The same at any time; integers of any width are one customer; other seeds are other samples.
SELECT array_agg(id) FILTER (WHERE in_sample(id, 0.1)) AS these, array_agg(id) FILTER (WHERE in_sample(id, 0.1, seed => 7)) AS others,
	bool_or(in_sample('customer ' || id, 0.1)) AND NOT bool_and(in_sample('customer ' || id, 0.1)) AS texts,
	bool_and(in_sample(id::smallint, 0.1) = in_sample(id::bigint, 0.1)) AS widths
FROM generate_series(1, 40) AS id;
-- A larger share has all of a smaller one.
SELECT bool_and(in_sample(id, 0.2)) AS contained FROM ids WHERE tenth;
-- The two samples of two seeds have in common what chance gives.
SELECT abs(avg(in_sample(id, 0.1, seed => 1)::int) - 0.1) < 0.012 AS independent FROM ids WHERE tenth;
SELECT in_sample(NULL::bigint, 0.1) IS NULL AS no_id, in_sample(1, NULL) IS NULL AS no_share;
SELECT in_sample(1, 0);
SELECT in_sample(1, 1.5);
SELECT in_sample('a', 'NaN');

-- The error that clv_sample_error tells is that of fits to many samples.
CREATE TABLE population AS
SELECT customer_id, purchase_history(ordered_at, amount::numeric(12,2)) AS history
FROM simulate_orders(30000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	since => '2024-01-01', until => '2026-01-01', seed => 1) GROUP BY customer_id;
CREATE TABLE sampled AS
SELECT seed, clv_fit(customer_base(history), 'bg/nbd', '2025-12-31') AS model
FROM population, generate_series(1, 20) AS seed WHERE in_sample(customer_id, 0.1, seed => seed) GROUP BY seed;
SELECT e.param, count(*) AS samples, bool_and(e.sample_error > 0) AS known, sqrt(avg(((e.estimate - p.estimate) / e.sample_error) ^ 2)) BETWEEN 0.6 AND 1.5 AS as_told
FROM sampled AS s, LATERAL clv_sample_error(s.model, 0.1) AS e,
	LATERAL (SELECT clv_fit(customer_base(history), 'bg/nbd', '2025-12-31') AS whole FROM population) AS w, LATERAL clv_params(w.whole) AS p
WHERE p.part = e.part AND p.param = e.param GROUP BY e.part, e.param ORDER BY e.part DESC, e.param;
SELECT bool_and(abs(relative_error - sample_error / abs(estimate)) < 1e-12) AS relative FROM sampled, clv_sample_error(model, 0.1);
SELECT count(*) AS rows FROM clv_sample_error(NULL, 0.1);
DROP TABLE ids, population, sampled;

-- A share that is none is named, as by in_sample; of all customers there is no error of the sample.
\set SHOW_CONTEXT never
SELECT count(*) FROM clv_sample_error('{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}}', 'NaN');
SELECT count(*) FROM clv_sample_error('{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}}', 2);
SELECT count(*) FROM clv_sample_error('{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}}', 1);
