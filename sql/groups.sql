-- Many groups and many rows: a group without a model does not fail the others, and what is asked
-- again for every row is computed once.

SET datestyle = ISO;

CREATE TABLE customers AS
SELECT customer_id, CASE WHEN customer_id <= 300 THEN 'large' WHEN customer_id <= 600 THEN 'other' WHEN customer_id <= 603 THEN 'tiny' ELSE 'single' END AS shop,
	purchase_history(ordered_at, amount) AS h
FROM simulate_orders(604, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	'2024-01-01', '2026-01-01', 3) GROUP BY customer_id;
CREATE TABLE contracts AS
SELECT n, CASE WHEN n <= 300 THEN 'large' WHEN n <= 302 THEN 'tiny' ELSE 'loyal' END AS shop, date '2025-01-01' AS started_on,
	CASE WHEN n <= 302 AND n % 3 > 0 THEN date '2025-01-20' + (n * n) % 300 / (1 + n % 4) END AS ended_on
FROM generate_series(1, 330) AS n;

-- One notice for the statement, with the number of groups.
SELECT shop, model_name(clv_model(h)) IS NOT NULL AS has_model FROM customers GROUP BY shop ORDER BY shop;
SELECT shop, model_name(holdout_model(holdout(h, '2024-12-31', '2025-12-31', 'bg/nbd'))) AS model FROM customers GROUP BY shop ORDER BY shop;
SELECT shop, customer_count(retention_model(started_on, ended_on, '2026-01-01')) AS customers FROM contracts GROUP BY shop ORDER BY shop;
SELECT shop, retention_model(started_on, ended_on, '2026-01-01', '1 month') = retention_fit(retention_base(started_on, ended_on, '2026-01-01')) AS same
FROM contracts WHERE shop = 'large' GROUP BY shop;
-- So it is with parts that are merged, grouping sets, windows, and subqueries that run for every row.
SELECT shop, rollup(v) IS NULL AS no_model FROM (SELECT shop, clv_holdout_add(NULL, h, '2024-12-31', '2025-12-31', 'bg/nbd') AS v FROM customers) AS parts
GROUP BY shop ORDER BY shop;
SET client_min_messages = warning;
SELECT count(*), count(m) FROM (SELECT shop, clv_model(h) AS m FROM customers WHERE shop <> 'other' GROUP BY GROUPING SETS ((shop), ())) AS x;
SELECT shop, count(*), count(m) FROM (SELECT shop, clv_model(h) OVER (PARTITION BY shop) AS m FROM customers) AS x GROUP BY shop ORDER BY shop;
RESET client_min_messages;
SELECT shop, (SELECT clv_model(h) FROM customers AS c WHERE c.shop = s.shop) IS NULL AS no_model
FROM (VALUES ('tiny'), ('single'), ('tiny')) AS s(shop);
-- Nobody is told by a statement that fails, and nothing is left of it for the next one.
SELECT 1 / (count(*) - 2)::int FROM (SELECT clv_model(h) AS m FROM customers WHERE shop IN ('tiny', 'single') GROUP BY shop) AS x WHERE m IS NULL;
SELECT count(*) FROM customers;
-- Nobody at all is no group to tell of.
SELECT clv_model(h), holdout(h, '2024-12-31', '2025-12-31') FROM customers WHERE false;

-- Asked directly, it is an error.
SELECT clv_fit(customer_base(h)) FROM customers WHERE shop = 'tiny';
SELECT clv_model_final(customer_base(h)) FROM customers WHERE shop = 'tiny';
SELECT clv_holdout_final(clv_holdout_add(NULL, h, '2024-12-31', '2025-12-31')) FROM customers WHERE shop = 'single';
SELECT retention_fit(retention_base(started_on, ended_on, '2026-01-01')) FROM contracts WHERE shop = 'loyal';
SELECT retention_model_final(retention_base(started_on, ended_on, '2026-01-01')) FROM contracts WHERE shop = 'loyal';

-- Bases, one small and one that lies out of line.
CREATE TABLE bases AS
SELECT 1 AS id, customer_base(h) AS base, retention_base('2025-01-01', date '2025-01-20' + (customer_id * customer_id)::int % 300 / (1 + customer_id::int % 4), '2025-12-01') AS contracts
FROM customers WHERE customer_id <= 60;
ALTER TABLE bases ALTER base SET STORAGE external;
INSERT INTO bases SELECT 2, rollup(base), rollup(contracts) FROM (
	SELECT customer_base(h) AS base, retention_base('2025-01-01', date '2025-01-20' + (customer_id * customer_id)::int % 300 / (1 + customer_id::int % 4), '2025-12-01') AS contracts
	FROM (SELECT customer_id, purchase_history(ordered_at, amount) AS h
		FROM simulate_orders(2000, '{"model": "bg/nbd", "timing": {"r": 0.01, "alpha": 80, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
			'2010-01-01', '2026-01-01', 3) GROUP BY customer_id) AS h WHERE repeat_count(h) < 3 AND (repeat_count(h) = 0 OR customer_id % 3 = 0)) AS x;
SELECT id, pg_column_size(base) > 4000 AS out_of_line FROM bases ORDER BY id;

-- Pulled up into the query around it, a fit would run for every row: the small number of customers is
-- noticed once for each call site, not for each of a thousand rows.
SELECT count(DISTINCT m::text) FROM (SELECT clv_fit(base, 'bg/nbd') AS m FROM bases WHERE id = 1) AS fit, generate_series(1, 1000);
SELECT count(DISTINCT m::text) FROM (SELECT retention_fit(contracts) AS m FROM bases WHERE id = 1) AS fit, generate_series(1, 1000);
SELECT count(DISTINCT m::text) FROM (SELECT clv_fit(base, 'bg/nbd') AS m FROM bases WHERE id = 2) AS fit, generate_series(1, 1000);

-- What is remembered is the answer to the same question: another base or option is another fit.
SET client_min_messages = error;
SELECT count(*), count(DISTINCT m) AS models, bool_and(m = alone) AS same
FROM (SELECT clv_fit(base, model, as_of, unit, penalty) AS m, alone
	FROM (SELECT b.id, base, model, as_of, unit, penalty, alone
		FROM bases AS b, (VALUES ('bg/nbd'), ('mbg/nbd')) AS o(model), (VALUES (NULL::date), ('2027-01-01')) AS d(as_of), (VALUES (7.0), (14.0)) AS u(unit),
			(VALUES (0.0), (1.0)) AS p(penalty), LATERAL (SELECT clv_fit(base, model, as_of, unit, penalty) AS alone OFFSET 0) AS x
		ORDER BY hashtext(id || model || coalesce(as_of::text, '') || unit || penalty) OFFSET 0) AS rows, generate_series(1, 2)) AS fits;
SELECT count(*), count(DISTINCT m) AS models, bool_and(m = CASE id WHEN 1 THEN one ELSE two END) AS same
FROM (SELECT id, retention_fit(contracts) AS m, (SELECT retention_fit(contracts) FROM bases WHERE id = 1) AS one,
		(SELECT retention_fit(contracts) FROM bases WHERE id = 2) AS two
	FROM (SELECT bases.* FROM bases, generate_series(1, 10) AS n ORDER BY n % 3, id OFFSET 0) AS rows) AS fits;
CREATE TABLE holdouts AS
SELECT shop, holdout(h, '2024-12-31', '2025-12-31', 'bg/nbd') AS v, customer_base(h) AS base FROM customers WHERE shop IN ('large', 'other') GROUP BY shop;
SELECT shop, count(DISTINCT summary) AS summaries, count(DISTINCT k) AS regularities
FROM (SELECT shop, holdout_summary(v) AS summary, regularity(base) AS k FROM (SELECT h.* FROM holdouts AS h, generate_series(1, 20) AS n ORDER BY n % 7, shop OFFSET 0) AS rows) AS x
GROUP BY shop ORDER BY shop;
SELECT (SELECT count(DISTINCT summary::text) FROM (SELECT holdout_summary(v) AS summary FROM holdouts) AS x) AS different_summaries,
	(SELECT count(DISTINCT k::text) FROM (SELECT regularity(base) AS k FROM holdouts) AS x) AS different_regularities;
SELECT shop, max_count, count(*), sum(actual_transactions) / 10 = (SELECT actual_transactions FROM holdout_summary(v)) AS all_orders,
	count(DISTINCT (repeat_count, customer_count, expected_transactions)) AS different
FROM (SELECT h.*, m AS max_count FROM holdouts AS h, generate_series(1, 10), (VALUES (2), (5)) AS m(m)) AS rows, holdout_by_repeat_count(v, max_count)
GROUP BY shop, max_count, v ORDER BY shop, max_count;
SELECT shop, count(*) / 10 AS weeks, count(DISTINCT t) AS different
FROM (SELECT h.* FROM holdouts AS h, generate_series(1, 10)) AS rows, holdout_tracking(v) AS t GROUP BY shop ORDER BY shop;
RESET client_min_messages;
-- An error is no answer.
SELECT retention_fit(contracts, 'none') FROM bases;
PREPARE fit(customer_base) AS SELECT clv_fit($1, 'bg/nbd') IS NOT NULL AS fitted;
EXECUTE fit('{"timing": []}');
DEALLOCATE fit;

DROP TABLE customers, contracts, bases, holdouts;

-- What cannot be counted is an error, since the sum would not show that something is missing; it names
-- the value and its group, in aggregates of every kind, their parts and their final functions, and in windows.
\set VERBOSITY default
CREATE TABLE outcomes AS
SELECT 'shop ' || i % 3 AS shop, i % 2 = 0 AS treated, CASE WHEN i = 77 THEN 'NaN'::float8 ELSE i % 5 END AS outcome, i AS days FROM generate_series(1, 90) AS i;
SELECT shop, uplift(treated, outcome) FROM outcomes GROUP BY shop;
SELECT shop, treated, uplift(treated, outcome, 1) FROM outcomes GROUP BY shop, treated;
SELECT shop, uplift(treated, outcome) OVER (PARTITION BY shop) FROM outcomes;
SELECT shop, fatigue(days - 30, true, false) FROM outcomes GROUP BY shop ORDER BY shop;
SELECT shop, rate_prior(days, 80) FROM outcomes GROUP BY shop ORDER BY shop;
SELECT shop, response_curve(days, outcome) FROM outcomes GROUP BY shop;
SELECT shop, remove(h, g) FROM (SELECT shop, purchase_history(date '2026-01-01' + days, 1) AS h, purchase_history(date '2026-01-02' + days, 1) AS g FROM outcomes GROUP BY shop) AS x
GROUP BY shop ORDER BY shop;
-- Where a row belongs to several groups, or to none, the value is what there is.
SELECT shop, uplift(treated, outcome) FROM outcomes GROUP BY GROUPING SETS ((shop), ());
SELECT uplift(treated, outcome) FROM outcomes;
DROP TABLE outcomes;
