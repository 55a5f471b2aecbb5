-- Every score in one call: customer_scores. Each column is what the function of its name gives, to the bit and to the NULL.

SET datestyle = ISO;
SET extra_float_digits = -5;

CREATE SCHEMA all_scores;
SET search_path = all_scores, public;

CREATE TABLE models AS
SELECT name, ('{"model": "' || name || '", "as_of": "1997-09-30", ' || rest || '}')::clv_model AS m, NULL::float8[] AS z
FROM (VALUES
	('bg/nbd', '"timing": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
	('mbg/nbd', '"timing": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, "spend": {"p": 6.25, "q": 0.9, "gamma": 15.44}'),
	('pareto/nbd', '"timing": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
	('pareto/nbd', '"timing": {"r": 0.1732, "alpha": 3.319, "s": 0.00115, "beta": 67672}'),
	('pareto/nbd', '"timing": {"r": 0.01, "alpha": 1000000, "s": 2, "beta": 0.001}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
	('gg/nbd', '"timing": {"r": 0.553, "alpha": 10.578, "b": 0.0002, "s": 0.603, "beta": 0.0026}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
	('bg/cnbd-k', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4, "k": 3}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
	('mbg/cnbd-k', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4, "k": 12}'),
	('bg/bb', '"period": "month", "timing": {"alpha": 1, "beta": 0.5, "gamma": 1, "delta": 6}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}')) AS v(name, rest);
INSERT INTO models VALUES ('none', NULL, NULL);
INSERT INTO models
SELECT 'with covariates', m, z FROM
	(SELECT '{"model": "pareto/nbd", "as_of": "1997-09-30", "covariates": ["online"], "timing": {"r": 0.5, "alpha": 8, "s": 0.75, "beta": 16},
		"coefficients": {"rate:online": 0.5, "dropout:online": -0.25}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model) AS v(m),
	(VALUES (ARRAY[1.0::float8]), (ARRAY[-20]), (ARRAY[1e300]), (ARRAY[NULL::float8]), (NULL)) AS given(z);
INSERT INTO models
SELECT 'fitted to few', clv_fit(customer_base(h), 'bg/nbd', '1997-09-30'), NULL FROM
	(SELECT purchase_history(d, 10.0 + i) AS h FROM generate_series(1, 20) AS i, LATERAL (SELECT date '1997-01-01' + i * j * 9 % 250 FROM generate_series(1, 1 + i % 4) AS j) AS o(d) GROUP BY i) AS c;

CREATE TABLE customers AS
SELECT * FROM (VALUES
	('nobody', NULL::purchase_history),
	('empty', '{"orders": []}'),
	('refund only', '{"orders": [["1997-03-01", -5]]}'),
	('once', '{"orders": [["1997-01-01", 29.33]]}'),
	('on the day', '{"orders": [["1997-09-30", 29.33]]}'),
	('regular', '{"orders": [["1997-01-01", 1], ["1997-03-01", 1], ["1997-05-01", 1], ["1997-07-01", 1], ["1997-09-01", 1]]}'),
	('lapsed', '{"orders": [["1997-01-01", 1], ["1997-01-18", 1], ["1997-02-02", 1], ["1997-02-20", 1]]}'),
	('no amounts', '{"orders": [["1997-01-01", null], ["1997-01-18", null]]}'),
	('refunded', '{"orders": [["1997-01-01", 5], ["1997-01-18", 8], ["1997-01-20", -9]]}'),
	('huge', '{"orders": [["1997-01-01", 1e308], ["1997-01-18", 1e308], ["1997-02-01", 1e308]]}'),
	('later', '{"orders": [["1997-01-01", 5], ["1997-01-18", 8], ["1998-01-20", 9]]}'),
	('refund later', '{"orders": [["1997-01-01", 5], ["1997-01-18", 8], ["1998-01-20", -9]]}'),
	('to come', '{"orders": [["1999-01-01", 5]]}'),
	('ancient', '{"orders": [["4713-01-01 BC", 5], ["1997-09-29", 5]]}'),
	('ancient, once', '{"orders": [["4713-01-01 BC", 5]]}')) AS v(who, h);
INSERT INTO customers SELECT 'every day for ' || n, purchase_history(date '1997-09-30' - i, 3.25) FROM (VALUES (100), (2500)) AS v(n), LATERAL generate_series(0, n) AS i GROUP BY n;

-- All models, all customers, several days and terms: how many rows, how many differ in a column, and how often a column says something.
CREATE TABLE terms AS
SELECT * FROM (VALUES
	(NULL::date, 365, 0.10::float8, 1.0::float8), ('1997-12-31', 30, 0, 0.25), ('2040-01-01', 0, 3, -1), ('1997-02-01', 18250, 0.01, 1),
	('1997-12-31', NULL, 0.1, 1), ('1997-12-31', 90, NULL, 1), (NULL, 90, 0.1, NULL)) AS v(as_of, horizon, discount, margin);
SET extra_float_digits = 1;
CREATE TABLE together AS
SELECT name, who, as_of, horizon, s.*,
	alive_prob(h, m, as_of, z) AS alive_prob_1, churn_prob(h, m, as_of, z) AS churn_prob_1,
	expected_transactions(h, m, horizon, as_of, z) AS expected_transactions_1,
	expected_transaction_value(h, m, as_of) AS expected_transaction_value_1,
	clv_estimate(h, m, horizon, discount, margin, as_of, z) AS clv_estimate_1,
	order_prob(h, m, horizon, as_of, z) AS order_prob_1, next_order_on(h, m, 0.5, as_of, z) AS next_order_on_1,
	days_overdue(h, m, as_of, z) AS days_overdue_1, overdue_prob(h, m, as_of, z) AS overdue_prob_1,
	lifecycle_of(h, m, as_of, z) AS lifecycle_1, score_status(h, m, as_of, z) AS score_status_1
FROM models, customers, terms, LATERAL customer_scores(h, m, as_of, horizon, discount, margin, z) AS s;
SELECT key AS score, count(*) AS rows, count(*) FILTER (WHERE value IS DISTINCT FROM r -> (key || '_1')) AS different,
	count(*) FILTER (WHERE value <> 'null') BETWEEN 300 AND 2000 AS some
FROM (SELECT to_jsonb(t) AS r FROM together AS t) AS t, LATERAL jsonb_each(r)
WHERE r ? (key || '_1') GROUP BY key ORDER BY key COLLATE "C";

-- What is cached for the rest of a query is never taken for another customer, model, horizon or discount: each row alone says the same.
CREATE FUNCTION alone(purchase_history, clv_model, date, integer, float8, float8, float8[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb;
BEGIN
	EXECUTE 'SELECT to_jsonb(customer_scores($1, $2, $3, $4, $5, $6, $7))' INTO r USING $1, $2, $3, $4, $5, $6, $7;
	RETURN r;
END $$;
SELECT count(*) AS rows, count(*) FILTER (WHERE to_jsonb(s) IS DISTINCT FROM alone(h, m, as_of, horizon, discount, margin, z)) AS different
FROM (SELECT *, customer_scores(h, m, as_of, horizon, discount, margin, z) AS s FROM models, customers, terms OFFSET 0) AS t;
SELECT score_status, count(*) > 0 AS seen FROM together GROUP BY score_status ORDER BY score_status COLLATE "C";

-- A row to read.
SET extra_float_digits = -5;
SELECT who, s.* FROM models, customers, LATERAL customer_scores(h, m, '1997-12-31') AS s
WHERE name = 'bg/nbd' AND who IN ('once', 'regular', 'lapsed') ORDER BY who COLLATE "C";

-- The same from plain numbers.
SET extra_float_digits = 1;
CREATE TABLE from_numbers AS
SELECT name, x, r, t, s.*, alive_prob(x, r, t, m, z) AS alive_prob_1, churn_prob(x, r, t, m, z) AS churn_prob_1,
	expected_transactions(x, r, t, m, horizon, z) AS expected_transactions_1, expected_transaction_value(x, v, m) AS expected_transaction_value_1,
	clv_estimate(x, r, t, v, m, horizon, discount, margin, z) AS clv_estimate_1, order_prob(x, r, t, m, horizon, z) AS order_prob_1,
	next_order_on(x, r, t, m, 0.5, as_of, z) AS next_order_on_1, days_overdue(x, r, t, m, z) AS days_overdue_1,
	overdue_prob(x, r, t, m, z) AS overdue_prob_1, lifecycle_of(x, r, t, m, z) AS lifecycle_1, score_status(x, r, t, v, m, z) AS score_status_1
FROM models, terms, (VALUES (0::float8, 100::float8, 100::float8, NULL::float8), (0, 7, 7, 20), (3, 10, 200, 20), (3, 150, 200, NULL), (3, 10, 200, -1), (3, 10, 200, 1e308),
		(1000, 1, 4000, 0.01), (1, 0, 1e6, 5), (3, 300, 200, 20), (0, 5, 9, 1), (-1, 0, 0, 1), ('NaN', 1, 2, 3), ('Infinity', 1, 2, 3), (2, NULL, 9, 4), (NULL, 1, 2, 3)) AS n(x, r, t, v),
	LATERAL customer_scores(x, r, t, v, m, as_of, horizon, discount, margin, z) AS s;
SELECT key AS score, count(*) AS rows, count(*) FILTER (WHERE value IS DISTINCT FROM n -> (key || '_1')) AS different,
	count(*) FILTER (WHERE value <> 'null') BETWEEN 100 AND 2000 AS some
FROM (SELECT to_jsonb(f) AS n FROM from_numbers AS f) AS f, LATERAL jsonb_each(n)
WHERE n ? (key || '_1') GROUP BY key ORDER BY key COLLATE "C";
SELECT customer_scores(3, 10, 200, 20, '{"model": "bg/nbd", "timing": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}');

-- Wrong parameters are errors for any customer.
SELECT customer_scores(NULL, m, horizon_days => -1) FROM models WHERE name = 'bg/nbd';
SELECT customer_scores(NULL, m, horizon_days => -1, margin => NULL) FROM models WHERE name = 'bg/nbd';
SELECT customer_scores(h, m, annual_discount => -0.1) FROM models, customers WHERE name = 'bg/nbd' AND who = 'once';
SELECT customer_scores(h, m, margin => 'NaN') FROM models, customers WHERE name = 'bg/nbd' AND who = 'once';
SELECT customer_scores(h, m, 'infinity') FROM models, customers WHERE name = 'bg/nbd' AND who = 'once';
SELECT customer_scores(h, m, covariates => ARRAY[1]) FROM models, customers WHERE name = 'bg/nbd' AND who = 'once';

-- What happened so far, in one row: as the accessors tell it of the history as it stood.
SET extra_float_digits = 1;
CREATE TABLE summaries AS
SELECT who, d, s.*, first_order_on(u) AS first_order_on_1, last_order_on(u) AS last_order_on_1, order_count(u) AS order_count_1,
	transaction_count(u) AS transaction_count_1, repeat_count(u) AS repeat_count_1, total_spend(u) AS total_spend_1,
	avg_order_value(u) AS avg_order_value_1, recency_days(u, d) AS recency_days_1, tenure_days(u, d) AS tenure_days_1,
	avg_days_between_orders(u) AS avg_days_between_orders_1
FROM customers, (VALUES (date '1997-09-30'), ('1997-01-18'), ('2040-01-01'), ('4713-01-01 BC')) AS days(d),
	LATERAL history_until(h, d) AS u, LATERAL history_summary(h, d) AS s
WHERE h IS NOT NULL;
SELECT key AS column, count(*) AS rows, count(*) FILTER (WHERE value IS DISTINCT FROM r -> (key || '_1')) AS different
FROM (SELECT to_jsonb(t) AS r FROM summaries AS t) AS t, LATERAL jsonb_each(r)
WHERE r ? (key || '_1') GROUP BY key ORDER BY key COLLATE "C";
SELECT who, s.* FROM customers, LATERAL history_summary(h, '1997-09-30') AS s WHERE who IN ('empty', 'regular') ORDER BY who COLLATE "C";
SELECT history_summary(NULL, '1997-09-30'), history_summary(h, NULL) FROM customers WHERE who = 'once';
SELECT history_summary(h, 'infinity') FROM customers WHERE who = 'once';

-- A row of the scores has it all in one: what happened until the history ends, the scores by cut points, the segment, and the
-- scores by the model. Cut points of five levels, of three, of one price for all, and none; rules built in, of the user's, and none.
CREATE TABLE by_points AS
SELECT cuts, rules FROM
	(SELECT rfm_cuts(i, 1 + i % 3, 10.0 * i) FROM generate_series(1, 40) AS i
		UNION ALL SELECT rfm_cuts(i, i, i::float8, 3) FROM generate_series(1, 200) AS i
		UNION ALL SELECT rfm_cuts(i, 1 + i % 3, 10.0) FROM generate_series(1, 40) AS i UNION ALL SELECT NULL) AS c(cuts),
	(SELECT segment_rules(segment, r, f, m, 5) FROM (VALUES ('good', int4range(4, 6), NULL::int4range, NULL::int4range), ('better', int4range(5, 6), int4range(2, 6), NULL)) AS v(segment, r, f, m)
		UNION ALL SELECT default_segment_rules(5) UNION ALL SELECT default_segment_rules(3) UNION ALL SELECT NULL) AS s(rules)
WHERE cuts IS NULL OR rules IS NULL OR (SELECT max(levels) FROM rfm_levels(cuts)) = CASE WHEN rules = default_segment_rules(3) THEN 3 ELSE 5 END;
SELECT count(*) AS rows, count((t).rfm_score) AS scored, count((t).segment) AS segments, count(DISTINCT (t).segment) AS names, count((t).total_spend) AS spends,
	count(*) FILTER (WHERE row_to_json(t)::text IS DISTINCT FROM row_to_json(apart)::text) AS different
FROM (SELECT t, apart FROM models, customers, terms, by_points,
	LATERAL scored_customer(h, m, as_of, horizon, discount, margin, z, cuts, rules) AS t,
	LATERAL customer_scores(h, m, as_of, horizon, discount, margin, z) AS c,
	LATERAL (SELECT y.*, last_order_on(h) IS NOT NULL AND as_of IS NOT NULL AND cuts IS NOT NULL AS counts FROM history_summary(COALESCE(h, '{"orders": []}'), '5874897-12-31') AS y) AS y,
	LATERAL (SELECT CASE WHEN counts THEN rfm_score(as_of - y.last_order_on, y.order_count, COALESCE(y.total_spend, 0), cuts) END AS code) AS w,
	LATERAL (SELECT CASE WHEN y.total_spend IS NULL THEN overlay(code PLACING '-' FROM 3 FOR 1) ELSE code END AS rfm_score) AS r,
	LATERAL (SELECT y.first_order_on, y.last_order_on, CASE WHEN h IS NOT NULL THEN y.order_count END AS order_count,
		CASE WHEN h IS NOT NULL THEN CASE WHEN abs(y.total_spend) < 1e15 THEN y.total_spend::numeric(18,2) END END AS total_spend,
		CASE WHEN abs(y.total_spend) < 1e15 THEN y.avg_order_value::numeric(18,2) END AS avg_order_value,
		as_of - y.last_order_on AS recency_days, as_of - y.first_order_on AS tenure_days, y.avg_days_between_orders,
		nullif(substr(r.rfm_score, 1, 1), '-')::smallint AS r_score, nullif(substr(r.rfm_score, 2, 1), '-')::smallint AS f_score,
		nullif(substr(r.rfm_score, 3, 1), '-')::smallint AS m_score, r.rfm_score, segment_of(r.rfm_score, rules) AS segment,
		c.lifecycle, c.churn_prob, c.expected_transactions, c.order_prob, c.next_order_on, c.days_overdue,
		c.expected_transaction_value, c.clv_estimate, c.score_status) AS apart
	WHERE name IN ('bg/nbd', 'bg/bb', 'none', 'with covariates')) AS x;
-- Rules of other levels than the cut points' are an error, as they are of segment_of.
SELECT scored_customer(h, m, '1997-12-31', 365, 0.1, 1, NULL, (SELECT rfm_cuts(i, i, i::float8, 3) FROM generate_series(1, 9) AS i), default_segment_rules(5))
FROM customers, models WHERE who = 'regular' AND name = 'bg/nbd';

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA all_scores CASCADE;

-- A row takes the place of the one before it at its call site: what keeps rows has copies.
CREATE TABLE days AS SELECT d::date AS first_day, purchase_history(d) AS h FROM generate_series(timestamp '2025-01-01', '2025-03-01', '1 month') AS d GROUP BY d;
SELECT array_agg(s ORDER BY first_day) AS kept FROM (SELECT first_day, history_summary(h, '2025-04-01') AS s FROM days OFFSET 0) AS x;
SELECT (s).first_order_on, lag(s) OVER w AS before, first_value(s) OVER w AS first
FROM (SELECT history_summary(h, '2025-04-01') AS s FROM days OFFSET 0) AS x WINDOW w AS (ORDER BY (s).first_order_on);
CREATE FUNCTION pg_temp.in_turn() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	day record;
	summary record;
	kept text[] = '{}';
	last record;
BEGIN
	FOR day IN SELECT h FROM days ORDER BY first_day LOOP
		last := summary;
		summary := history_summary(day.h, '2025-04-01');
		kept := kept || format('%s after %s', summary.first_order_on, last);
	END LOOP;
	RETURN kept;
END
$$;
SELECT unnest(pg_temp.in_turn());
DROP TABLE days;
