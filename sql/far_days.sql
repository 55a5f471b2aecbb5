-- A wrong year in one order moves the end of observation, and with it every score. Fits say so:
-- from the orders alone, without a clock.
\pset format unaligned
\pset tuples_only on
SET datestyle = ISO;

-- Two years of a shop of 1,000, and a fit of these with other orders.
CREATE TEMP TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(1000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id;
CREATE FUNCTION pg_temp.fit_with(VARIADIC days date[]) RETURNS date LANGUAGE sql AS $$
	SELECT fitted_as_of(clv_fit(customer_base(h || (SELECT purchase_history(day, 10.0) FROM unnest(days) WITH ORDINALITY AS d(day, id) WHERE id = customer_id)),
		'bg/nbd')) FROM histories $$;

SELECT fitted_as_of(clv_fit(customer_base(h), 'bg/nbd')) FROM histories;
SELECT pg_temp.fit_with('2026-02-01');
SELECT pg_temp.fit_with('2205-01-01');
SELECT pg_temp.fit_with('2205-01-01', '2205-03-04', '3205-03-04');
SELECT pg_temp.fit_with('9999-12-31');
SELECT pg_temp.fit_with('0001-01-01');
-- Both ends may be wrong, and the nearer gap must not hide behind the wider one.
SELECT pg_temp.fit_with('0001-01-01', '2027-01-01');
SELECT pg_temp.fit_with('2020-01-01', '9999-12-31');
-- The sentences as a value, for those who see no warnings.
SELECT clv_fit_warning(customer_base(h)) IS NULL AS nothing, clv_fit_warning(customer_base(h), '2027-01-01') AS as_of_far,
	clv_fit_warning(customer_base(h || CASE customer_id WHEN 1 THEN '{"orders": [["2205-01-01", 5], ["0001-01-01", 5]]}'::purchase_history ELSE '{"orders": []}' END)) AS both_ends,
	clv_fit_warning(customer_base(h), '0001-01-01') IS NULL AS before_all, clv_fit_warning(NULL) IS NULL AS no_base
FROM histories;
SELECT clv_fit_warning(customer_base('{"orders": []}'::purchase_history)) IS NULL AS nobody;
SELECT clv_fit_warning(customer_base(h), 'infinity') FROM histories;
-- Cut off as the hint says, nothing is said.
SELECT fitted_as_of(clv_fit(customer_base(CASE WHEN customer_id = 1 THEN h || '{"orders": [["2205-01-01", 10]]}' ELSE h END, '2025-12-31'), 'bg/nbd'))
FROM histories;

-- More customers than one for a thousand transactions are no slip: a shop may have been closed for a year.
SELECT count(*), fitted_as_of(clv_fit(customer_base(CASE WHEN customer_id % 20 = 0 THEN h || '{"orders": [["2027-06-01", 10]]}' ELSE h END), 'bg/nbd'))
FROM histories;

-- The same for an end of observation that is given, wherever it is given.
SELECT fitted_as_of(clv_fit(customer_base(h), 'bg/nbd', as_of => '2026-01-20')) FROM histories;
SELECT fitted_as_of(clv_fit(customer_base(h), 'bg/nbd', as_of => '2026-12-31')) FROM histories;
SELECT fitted_as_of(clv_fit(customer_base(h, '2205-01-01'), 'bg/nbd')) FROM histories;
SELECT fitted_as_of(clv_model(h || CASE WHEN customer_id = 7 THEN '{"orders": [["2205-01-01", 5]]}'::purchase_history ELSE '{"orders": []}' END)) FROM histories;

-- Orders that come once a year come a year apart.
SELECT fitted_as_of(clv_fit(customer_base(h), 'bg/nbd')) FROM (
	SELECT purchase_history(make_date(2015 + year, 12, 1 + i % 20)) AS h FROM generate_series(1, 200) AS i, generate_series(0, 9) AS year
	WHERE (i * 7 + year * 3) % 4 <> 0 GROUP BY i) AS x;

-- Periods are days by another name.
SET client_min_messages = error;
SELECT clv_fit(customer_base(h, 'month'), 'bg/bb') AS quiet FROM histories \gset
SET client_min_messages = warning;
SELECT fitted_as_of(clv_fit(customer_base(CASE WHEN customer_id = 1 THEN h || '{"orders": [["2205-01-01", 10]]}' ELSE h END, 'month'), 'bg/bb'))
FROM histories;
SELECT fitted_as_of(clv_fit(customer_base(h, 'month', date '2027-01-31'), 'bg/bb')) FROM histories;

-- Scores say it where a dashboard looks for it, of each group and refresh: a wrong year, orders that have stopped, days to come.
SET client_min_messages = error;
CREATE TEMP TABLE orders AS SELECT customer_id, o.ordered_on AS ordered_on, o.amount, customer_id % 2 AS shop FROM histories, unnest(h) AS o(ordered_on, amount);
CREATE TEMP TABLE wrong AS TABLE orders;
INSERT INTO wrong VALUES (1, '2205-01-01', 5, 1);
SELECT create_customer_scores('pg_temp.far_scores', 'wrong', 'customer_id', 'ordered_on', 'amount', model => 'bg/nbd', group_by => 'shop', storage => 'table') AS scored;
CREATE TEMP TABLE kept AS SELECT clv_fit(customer_base(h), 'bg/nbd') AS model FROM histories;
SELECT create_customer_scores('pg_temp.stopped', 'orders', 'customer_id', 'ordered_on', 'amount', model => (SELECT model FROM kept), as_of => '2026-03-01', storage => 'table') AS scored;
SELECT create_customer_scores('pg_temp.going_on', 'orders', 'customer_id', 'ordered_on', 'amount', model => (SELECT model FROM kept), as_of => '2026-01-05', storage => 'table') AS scored;
SELECT create_customer_scores('pg_temp.kept_far', 'wrong', 'customer_id', 'ordered_on', 'amount', model => (SELECT model FROM kept), storage => 'table') AS scored;
SELECT shop, fit_status, warnings FROM pg_temp.far_scores_model ORDER BY shop;
SELECT fit_status, warnings FROM pg_temp.stopped_model;
SELECT fit_status, warnings IS NULL AS nothing FROM pg_temp.going_on_model;
SELECT fit_status, warnings FROM pg_temp.kept_far_model;
