-- Contracts: how long subscribers stay.

SET datestyle = ISO;
SET extra_float_digits = -9;

-- A contract runs for a period and is then renewed, or not. These are yearly
-- contracts, as known on the last day of 2025; ended_on is the day from which
-- the customer is none any more.
CREATE TABLE contracts (customer_id int, started_on date, ended_on date);
INSERT INTO contracts VALUES
	(1, '2022-03-01', NULL),			-- three years completed, in the fourth
	(2, '2022-03-01', '2023-03-01'),	-- not renewed after the first year
	(3, '2022-03-01', '2023-02-28'),	-- the same, told by the last day
	(4, '2022-03-01', '2022-03-01'),	-- revoked at once: the first year again
	(5, '2022-03-01', '2024-08-15'),	-- left early, within the third year
	(6, '2025-06-01', NULL),			-- no year completed yet
	(7, '2022-03-01', 'infinity'),		-- open end
	(8, '2022-03-01', '2027-03-01'),	-- known to end, but not yet
	(9, '2026-02-01', NULL),			-- not a customer yet: left out
	(10, NULL, NULL);					-- left out
SELECT retention_base(started_on, ended_on, '2025-12-31', '1 year') FROM contracts;
SELECT u.* FROM (SELECT retention_base(started_on, ended_on, '2025-12-31', '1 year') AS base FROM contracts) AS b,
	unnest(base) AS u;
SELECT customer_count(base), ended_customer_count(base)
FROM (SELECT retention_base(started_on, ended_on, '2025-12-31', '1 year') AS base FROM contracts) AS b;

-- Only periods that are over count. On 1 September 2024 we know that customer 5
-- left in the third year, but not yet who will stay in it: all three years old
-- are still alive after two. When the year is over, all of them are judged.
SELECT as_of, retention_base(started_on, ended_on, as_of, '1 year')
FROM contracts, (VALUES (date '2024-09-01'), ('2025-02-28'), ('2025-03-01')) AS v(as_of)
WHERE customer_id IN (1, 5, 7) GROUP BY as_of ORDER BY as_of;

-- Three arguments mean monthly contracts. Months are those of the calendar.
SELECT ended_on, retention_base(date '2025-01-31', ended_on, '2025-12-31')
FROM (VALUES (date '2025-01-31'), ('2025-02-01'), ('2025-02-28'), ('2025-03-01'), ('2025-03-30'), ('2025-03-31'),
	('2025-04-01'), ('2025-12-30'), ('2025-12-31'), (NULL)) AS v(ended_on)
GROUP BY ended_on ORDER BY ended_on;
-- They are those of date + interval, whatever the days.
SELECT count(*), sum((n <> (base::jsonb #>> '{tenures,0,0}')::int)::int) AS different
FROM (SELECT d, period, as_of, retention_base(d, NULL, as_of, period) AS base,
		(SELECT count(*) FROM generate_series(1, 40) AS k WHERE d + k * period <= as_of) AS n
	FROM (SELECT date '2023-11-25' + i * 3 AS d, date '2023-11-25' + i * 3 + i * i % 997 AS as_of,
			('{1 month,3 months,1 year,28 days,1 month}'::interval[])[1 + i % 5] AS period
		FROM generate_series(0, 500) AS i) AS x
	WHERE as_of < d + 38 * period
	GROUP BY d, period, as_of) AS y;
SELECT retention_base(date '2025-01-01', NULL, '2025-01-21', period) FROM (VALUES (interval '7 days')) AS v(period);

-- The example of Fader & Hardie (2007), "How to Project Customer Retention": of
-- 1000 "high end" subscribers, so many were still there after 1, 2, … 12 years.
CREATE TABLE panel (year int, alive int);
INSERT INTO panel VALUES (0, 1000), (1, 869), (2, 743), (3, 653), (4, 593), (5, 551), (6, 517), (7, 491),
	(8, 468), (9, 445), (10, 427), (11, 409), (12, 394);
-- Customers who were counted already make a base too. The fit sees seven years …
CREATE TABLE bases AS
SELECT retention_base(year, ended, customers, '1 year') AS base FROM (
	SELECT year, true AS ended, lag(alive) OVER (ORDER BY year) - alive AS customers FROM panel WHERE year <= 7
	UNION ALL
	SELECT year, false, alive FROM panel WHERE year = 7) AS x;
SELECT base FROM bases;
-- … and gives what the paper has: alpha 0.668, beta 3.806, log-likelihood -1611.2.
CREATE TABLE models AS SELECT name, retention_fit(base, name) AS m FROM bases, (VALUES ('sbg'), ('bdw')) AS v(name);
SELECT p.* FROM models, retention_params(m) AS p WHERE name = 'sbg';
SELECT log_likelihood(m), aic(m), bic(m), converged(m), customer_count(m) FROM models WHERE name = 'sbg';
-- The later model (Fader et al. 2018) lets a customer's own risk change: c > 1 means it grows.
SELECT p.* FROM models, retention_params(m) AS p WHERE name = 'bdw';
SELECT log_likelihood(m), aic(m), bic(m), converged(m), customer_count(m) FROM models WHERE name = 'bdw';
-- What they project, and what came of it.
SELECT s.period, alive AS actual, 1000 * s.survival_prob AS sbg, 1000 * b.survival_prob AS bdw, s.retention_rate
FROM models AS sbg, retention_curve(sbg.m, 12) AS s, models AS bdw, retention_curve(bdw.m, 12) AS b, panel
WHERE sbg.name = 'sbg' AND bdw.name = 'bdw' AND b.period = s.period AND year = s.period ORDER BY 1;
SELECT retention_fit(base) = (SELECT m FROM models WHERE name = 'sbg') AS sbg_is_default FROM bases;

-- Both panels of the paper, seen until 4, 7 and 12 years, give the published fits.
CREATE TABLE panels (name text, alive int[]);
INSERT INTO panels VALUES
	('regular', '{1000,631,468,382,326,289,262,241,223,207,194,183,173}'),
	('high end', '{1000,869,743,653,593,551,517,491,468,445,427,409,394}');
CREATE TABLE panel_fits AS
SELECT name, years, retention_fit(base, 'sbg') AS sbg, retention_fit(base, 'bdw') AS bdw
FROM (SELECT name, years, retention_base(year, true, alive[year] - alive[year + 1], '1 year') ||
		retention_base(years, false, alive[years + 1], '1 year') FILTER (WHERE year = 1) AS base
	FROM panels, (VALUES (4), (7), (12)) AS v(years), generate_series(1, years) AS year
	GROUP BY name, years) AS x;
SELECT name, years, string_agg(estimate::numeric(9, 7)::text, ' ') AS params, log_likelihood(sbg)::numeric(10, 4) AS log_likelihood
FROM panel_fits, retention_params(sbg) GROUP BY name, years, sbg ORDER BY name DESC, years;
SELECT name, years, string_agg(estimate::numeric(9, 7)::text, ' ') AS params, log_likelihood(bdw)::numeric(10, 4) AS log_likelihood
FROM panel_fits, retention_params(bdw) GROUP BY name, years, bdw ORDER BY name DESC, years;

-- What a customer is still worth, in yearly payments, at 10 % a year. A new one
-- pays now and at every renewal (DEL); one who has completed four years
-- is asked for the fifth renewal next (DERL).
SELECT name, expected_tenure(sbg)::numeric(9, 8) AS sbg_new, residual_tenure(sbg, 4)::numeric(9, 8) AS sbg_after_4,
	expected_tenure(bdw)::numeric(9, 8) AS bdw_new, residual_tenure(bdw, 4)::numeric(9, 8) AS bdw_after_4
FROM panel_fits WHERE years = 4 ORDER BY name DESC;
-- By hand: renewals to come, each discounted to the next one.
SELECT residual_tenure(m, 4) AS exact, sum(survival_prob / survived * 1.1 ^ -(period - 5)) AS by_hand
FROM models, retention_curve(m, 1000), LATERAL (SELECT survival_prob AS survived FROM retention_curve(m, 4) WHERE period = 4) AS x
WHERE name = 'sbg' AND period > 4 GROUP BY m;
-- The longer a tenure, the higher the retention rate: customers with a high risk have left.
SELECT tenure, renewal_prob(m, tenure), residual_tenure(m, tenure) FROM models, generate_series(0, 20, 5) AS tenure
WHERE name = 'sbg';

-- A model can be given by its parameters. The discount is a
-- year's, whatever the period: the same chances every month are worth more months.
SELECT m, renewal_prob(m::retention_model, 0), expected_tenure(m::retention_model)
FROM (VALUES ('{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 9}}'),
	('{"model": "sbg", "period_months": 1, "params": {"alpha": 1, "beta": 9}}'),
	('{"model": "sbg", "period_days": 7, "params": {"alpha": 1, "beta": 9}}'),
	('{"model": "bdw", "period_days": 7, "params": {"alpha": 1, "beta": 9, "c": 1}}')) AS v(m);
SELECT converged(m), log_likelihood(m), aic(m), bic(m), customer_count(m), p.*
FROM (VALUES ('{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 9}}'::retention_model)) AS v(m),
	retention_params(m) AS p;
-- Without a discount the mean exists for alpha > 1 (bdw: alpha c > 1): then it is
-- (beta + tenure) / (alpha - 1). Otherwise it is infinite, and NULL.
SELECT alpha, residual_tenure(m, 3, 0) AS exact, 12 / (alpha - 1) AS formula, expected_tenure(m, 0) AS new
FROM (VALUES (1.25), (1.01), (1.000001)) AS v(alpha),
	LATERAL (SELECT ('{"model": "sbg", "period_months": 1, "params": {"alpha": ' || alpha || ', "beta": 9}}')::retention_model AS m) AS x;
SELECT residual_tenure('{"model": "sbg", "period_months": 1, "params": {"alpha": 1, "beta": 9}}', 3, 0) AS sbg,
	residual_tenure('{"model": "bdw", "period_months": 1, "params": {"alpha": 0.5, "beta": 9, "c": 2}}', 3, 0) AS bdw,
	residual_tenure('{"model": "bdw", "period_months": 1, "params": {"alpha": 0.5, "beta": 9, "c": 3}}', 3, 0) AS bdw_finite;

-- Kaplan-Meier, on the classic example: weeks of remission under 6-MP (Freireich
-- et al. 1963), twelve of the 21 patients still without a relapse when last seen.
CREATE TABLE remission AS SELECT retention_base(week, relapsed, patients, '7 days') AS base
FROM (VALUES (6, true, 3), (6, false, 1), (7, true, 1), (9, false, 1), (10, true, 1), (10, false, 1), (11, false, 1),
	(13, true, 1), (16, true, 1), (17, false, 1), (19, false, 1), (20, false, 1), (22, true, 1), (23, true, 1),
	(25, false, 1), (32, false, 2), (34, false, 1), (35, false, 1)) AS v(week, relapsed, patients);
SELECT km.* FROM remission, kaplan_meier(base) AS km;
SELECT period, low, high FROM remission, kaplan_meier(base, 0.5) WHERE period = 23;
-- The curve ends with the longest tenure observed.
SELECT c.* FROM remission, retention_curve(base, 37) AS c WHERE period IN (0, 5, 6, 10, 35, 36, 37);
-- When the last one has ended nobody survives, and there is nothing to estimate a spread from.
SELECT km.* FROM kaplan_meier('{"period_months": 1, "tenures": [[0, 0, 9], [1, 2, 0], [3, 1, 0]]}') AS km;
SELECT c.* FROM retention_curve('{"period_months": 1, "tenures": [[0, 0, 9], [1, 2, 0], [3, 1, 0]]}'::retention_base, 5) AS c;
-- Nobody ended; nobody there.
SELECT km.* FROM kaplan_meier('{"period_months": 1, "tenures": [[5, 0, 9]]}') AS km;
SELECT c.* FROM retention_curve('{"period_months": 1, "tenures": []}'::retention_base, 1) AS c;

-- The curve of the model lies within the intervals of what was counted.
SELECT count(*), sum((survival_prob BETWEEN low AND high)::int) AS within
FROM bases, kaplan_meier(base, 0.99) AS km JOIN LATERAL (
	SELECT c.* FROM models, retention_curve(m, 7) AS c WHERE name = 'bdw') AS c USING (period);

-- Scores for customers without a contract do not apply, nor the other way round.
\set VERBOSITY terse
SELECT churn_prob(purchase_history(started_on), m) FROM contracts, models GROUP BY m;
SELECT clv_fit(base) FROM bases;
SELECT renewal_prob('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'::clv_model, 3);
SELECT retention_fit('{"timing": []}'::customer_base);
\set VERBOSITY default

-- Bases add: regions, shards, cohorts, whatever the order of the rows.
CREATE TABLE many AS
SELECT i, date '2015-01-01' + i % 3000 AS started_on,
	CASE WHEN i % 3 > 0 THEN date '2015-01-01' + i % 3000 + i * 7 % 2011 END AS ended_on
FROM generate_series(1, 20000) AS i;
CREATE TABLE whole AS SELECT retention_base(started_on, ended_on, '2024-06-30', '1 month') AS base FROM many;
SELECT customer_count(base), ended_customer_count(base), jsonb_array_length(base::jsonb -> 'tenures') AS tenures FROM whole;
SELECT base = (SELECT rollup(part) FROM (
		SELECT retention_base(started_on, ended_on, '2024-06-30' ORDER BY i DESC) AS part FROM many GROUP BY i % 7) AS x) AS rollup,
	base = (SELECT retention_base(started_on, ended_on, '2024-06-30') FROM many WHERE i < 5000) ||
		(SELECT retention_base(started_on, ended_on, '2024-06-30') FROM many WHERE i >= 5000) AS merged,
	base = (SELECT retention_base(tenure, false, alive_count, '1 month') || retention_base(tenure, true, ended_count, '1 month') FILTER (WHERE tenure > 0)
		FROM unnest(base)) AS rebuilt
FROM whole;
-- A base that grows and is read in between (a window), and in grouping sets.
SELECT i, base FROM (
	SELECT i, retention_base(started_on, ended_on, '2024-06-30', '1 year') OVER (ORDER BY i ROWS 2 PRECEDING) AS base FROM many) AS x
WHERE i <= 4 ORDER BY i;
SELECT i % 2 AS half, customer_count(retention_base(started_on, ended_on, '2024-06-30')) FROM many
GROUP BY ROLLUP (i % 2) ORDER BY 1;
-- Its functions outside an aggregate leave their arguments as they are.
SELECT retention_base_add(base, '2020-01-01', NULL, '2020-03-01', '1 year') AS added, base FROM bases;

-- In parallel it is the same, and the plan is parallel.
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan @? '$.** ? (@."Node Type" like_regex "^Gather" && exists (@.** ? (@."Partial Mode" == "Partial")))';
END
$$;
SELECT pg_temp.is_parallel('SELECT retention_base(started_on, ended_on, ''2024-06-30'', ''1 month'') FROM many') AS dates,
	pg_temp.is_parallel('SELECT retention_base(i, true, 1, ''1 month'') FROM many') AS counts,
	pg_temp.is_parallel('SELECT retention_base(started_on, ended_on, ''2024-06-30'') FROM many') AS months,
	pg_temp.is_parallel('SELECT rollup(NULL::retention_base) FROM many') AS merges;
SELECT retention_base(started_on, ended_on, '2024-06-30', '1 month') = (SELECT base FROM whole) AS same FROM many;
-- Workers without a single row.
SELECT retention_base(started_on, ended_on, '2024-06-30') FROM many WHERE i < 0;
RESET ALL;
SET datestyle = ISO;
SET extra_float_digits = -9;

-- No customers, no base; rows that do not say when a contract started say nothing.
SELECT retention_base(started_on, ended_on, '2025-12-31') FROM contracts WHERE false;
SELECT retention_base(NULL::date, NULL, '2025-12-31'), retention_base(started_on, ended_on, NULL),
	retention_base(started_on, ended_on, '2025-12-31', NULL), retention_base(NULL::int, true, 5, '1 year') FROM contracts;
SELECT retention_base(started_on, ended_on, '1999-12-31'), rollup(NULL::retention_base) FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31') FROM contracts WHERE customer_id = 2;
SELECT retention_base(3, true, 0, '1 year');
SELECT retention_fit(NULL), customer_count(NULL::retention_base), ended_customer_count(NULL), renewal_prob(NULL, 1),
	residual_tenure((SELECT m FROM models WHERE name = 'sbg'), NULL), expected_tenure(NULL), log_likelihood(NULL::retention_model);
SELECT * FROM retention_curve(NULL::retention_model, 5);
SELECT * FROM kaplan_meier(NULL);

-- What cannot be fitted is refused, by name. Ask first.
SELECT retention_fit_problem(NULL);
SELECT retention_fit_problem('{"period_months": 1, "tenures": [[0, 0, 99], [1, 1, 3]]}');
SELECT retention_fit_problem('{"period_months": 1, "tenures": [[7, 0, 99]]}');
SELECT retention_fit_problem(base) FROM bases;
SELECT retention_fit('{"period_months": 1, "tenures": [[7, 0, 99]]}');
SELECT retention_fit('{"period_months": 1, "tenures": [[7, 3, 1]]}', 'bdw');
SELECT retention_fit(base, 'bg/nbd') FROM bases;
SELECT retention_fit(base, NULL) FROM bases;

-- What is not identified is reported, and marked. Here all contracts ended in the first period …
WITH fit AS MATERIALIZED (SELECT retention_fit('{"period_months": 1, "tenures": [[1, 500, 0]]}') AS m)
SELECT p.param, std_error, identified, round(renewal_prob(m, 0)::numeric, 2) AS renewal_prob FROM fit, retention_params(m) AS p;
-- … here only one period is known, so that there is a rate and nothing more …
WITH fit AS MATERIALIZED (SELECT retention_fit('{"period_months": 1, "tenures": [[1, 100, 400]]}') AS m)
SELECT p.param, std_error, identified, round(renewal_prob(m, 0)::numeric, 2) AS renewal_prob FROM fit, retention_params(m) AS p;
-- … and here all customers have the same risk, one half.
WITH fit AS MATERIALIZED (
	SELECT retention_fit('{"period_months": 1, "tenures": [[1, 512, 0], [2, 256, 0], [3, 128, 0], [4, 64, 0], [5, 32, 32]]}') AS m)
SELECT p.param, std_error, identified, round(renewal_prob(m, 2)::numeric, 2) AS renewal_prob FROM fit, retention_params(m) AS p;
-- A small base is fitted with a word of caution.
WITH fit AS MATERIALIZED (SELECT retention_fit('{"period_months": 1, "tenures": [[1, 10, 0], [2, 4, 0], [3, 2, 8]]}') AS m)
SELECT p.param, identified FROM fit, retention_params(m) AS p;
-- Where there is no maximum at all, the fit says that it found none: here all
-- stayed for three years and then left together.
SELECT converged(retention_fit('{"period_months": 1, "tenures": [[36, 1000, 0]]}', 'bdw'));

-- Text and binary round trips.
CREATE TABLE models_and_bases AS
SELECT m, base FROM (SELECT m, row_number() OVER () AS i FROM (
		SELECT m FROM models UNION ALL
		SELECT '{"model": "sbg", "period_days": 7, "params": {"alpha": 1e-12, "beta": 12345.678901234567}}'::retention_model) AS x) AS x
	FULL JOIN (SELECT base, row_number() OVER () AS i FROM (
		SELECT base FROM bases UNION ALL SELECT base FROM whole UNION ALL SELECT base FROM remission UNION ALL
		SELECT '{"period_days": 36525, "tenures": [[1000000, 9223372036854775800, 7]]}'::retention_base) AS y) AS y USING (i);
SELECT count(m), count(base), count(*) FILTER (WHERE m = m::text::retention_model) AS models,
	count(*) FILTER (WHERE base = base::text::retention_base) AS bases FROM models_and_bases;
\copy models_and_bases TO 'results/contracts.bin' WITH (FORMAT binary)
CREATE TEMP TABLE copied (m retention_model, base retention_base);
\copy copied FROM 'results/contracts.bin' WITH (FORMAT binary)
SELECT count(*) FROM (SELECT * FROM models_and_bases INTERSECT SELECT * FROM copied) AS x;
SELECT m::jsonb - 'fit' AS m, m::jsonb -> 'fit' ->> 'customers' AS customers FROM models WHERE name = 'sbg';
SELECT count(DISTINCT base), count(DISTINCT m) FROM models_and_bases;
-- Elements in any order, and elements that say nothing, make the same base.
SELECT '{"tenures": [[2, 126, 743], [0, 0, 0], [1, 131, 0]], "period_months": 12}'::retention_base;

-- Broken text is refused, by name.
SELECT '[]'::retention_base;
SELECT '{}'::retention_base;
SELECT '{"period_months": 12, "period_days": 7, "tenures": []}'::retention_base;
SELECT '{"period_months": 1201, "tenures": []}'::retention_base;
SELECT '{"period_days": 0, "tenures": []}'::retention_base;
SELECT '{"period_months": 12}'::retention_base;
SELECT '{"period_months": 12, "tenures": [], "more": 1}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1, 2]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[-1, 2, 3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1000001, 2, 3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1, 2.5, 3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1, 2, -3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[0, 2, 3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1, 2, 3], [1, 2, 3]]}'::retention_base;
SELECT '{"period_months": 12, "tenures": [[1, 9223372036854775807, 3]]}'::retention_base;
SELECT '{"period_months": 12, "params": {}}'::retention_model;
SELECT '{"model": "bg/nbd", "period_months": 12, "params": {}}'::retention_model;
SELECT ('{"model": "' || repeat('é', 40) || '", "period_months": 12, "params": {}}')::retention_model;
SELECT '{"model": "sbg", "params": {"alpha": 1, "beta": 1}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": 5}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1, "c": 1}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": -1}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1e400}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1}, "fit": {"unidentified": ["c"]}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1}, "fit": {"covariance": [1]}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1}, "fit": {"converged": 1}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1}, "fit": {"customers": 5, "ended": 6}}'::retention_model;
SELECT '{"model": "sbg", "period_months": 12, "params": {"alpha": 1, "beta": 1}, "fit": {"prior_sd": -1}}'::retention_model;

-- So are bytes: each of these is sent as bytea and read as a base, or a model.
CREATE TEMP TABLE received_base (base retention_base);
CREATE TEMP TABLE received_model (m retention_model);
-- First one that is right: version 1; 12 months, 0 days; one tenure: 2, one ended, five alive.
\copy (SELECT '\x010000000c00000000000000010000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
SELECT base FROM received_base;
-- A version of the future.
\copy (SELECT '\x020000000c00000000000000010000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Months and days.
\copy (SELECT '\x010000000c00000001000000010000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A negative period.
\copy (SELECT '\x01ffffffff00000000000000010000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Two tenures announced, one sent.
\copy (SELECT '\x010000000c00000000000000020000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Four thousand million tenures announced, none sent.
\copy (SELECT '\x010000000c00000000ffffffff'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A byte too many.
\copy (SELECT '\x010000000c0000000000000001000000020000000000000001000000000000000500'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Ended before the first period.
\copy (SELECT '\x010000000c00000000000000010000000000000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A tenure of 1000001.
\copy (SELECT '\x010000000c0000000000000001000f424100000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Nobody.
\copy (SELECT '\x010000000c00000000000000010000000200000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Less than nobody.
\copy (SELECT '\x010000000c000000000000000100000002ffffffffffffffff0000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- More customers than can be counted.
\copy (SELECT '\x010000000c0000000000000001000000027fffffffffffffff0000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- The same tenure twice.
\copy (SELECT '\x010000000c000000000000000200000002000000000000000100000000000000050000000200000000000000010000000000000005'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Nothing.
\copy (SELECT '\x'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_base FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A model that is right: version 1; 12 months, 0 days; sbg, fitted, converged, nothing unidentified;
-- 7 iterations, 9 customers, 5 ended, no prior, log-likelihood -100; alpha 1, beta 2; covariance 0, 0, 0.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
SELECT m FROM received_model;
-- A version of the future.
\copy (SELECT '\x020000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- No period.
\copy (SELECT '\x0100000000000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Model number 7.
\copy (SELECT '\x010000000c000000000701010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A flag of 2.
\copy (SELECT '\x010000000c000000000102010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- Not fitted, but with figures of a fit.
\copy (SELECT '\x010000000c000000000100010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- The third of two parameters is unidentified.
\copy (SELECT '\x010000000c000000000101010400000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A negative number of iterations.
\copy (SELECT '\x010000000c0000000001010100ffffffff000000000000000900000000000000050000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- More ended than there were.
\copy (SELECT '\x010000000c0000000001010100000000070000000000000009000000000000000a0000000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A prior that is not a number.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000057ff8000000000000c0590000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- An infinite likelihood.
\copy (SELECT '\x010000000c0000000001010100000000070000000000000009000000000000000500000000000000007ff00000000000003ff00000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- An infinite covariance.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff000000000000040000000000000007ff000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A parameter that is not a number.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000007ff80000000000004000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A parameter of zero.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff00000000000000000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
-- A byte too many.
\copy (SELECT '\x010000000c000000000101010000000007000000000000000900000000000000050000000000000000c0590000000000003ff0000000000000400000000000000000000000000000000000000000000000000000000000000000'::bytea) TO 'results/contracts_crafted.bin' WITH (FORMAT binary)
\copy received_model FROM 'results/contracts_crafted.bin' WITH (FORMAT binary)
DROP TABLE received_base, received_model;

-- Wrong arguments are errors that name them.
SELECT retention_base(started_on, started_on - 1, '2025-12-31') FROM contracts;
SELECT retention_base('infinity'::date, NULL, '2025-12-31');
SELECT retention_base(started_on, ended_on, '-infinity') FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31', period)
FROM contracts, (VALUES (interval '0')) AS v(period);
SELECT retention_base(started_on, ended_on, '2025-12-31', '1 month 1 day') FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31', '36 hours') FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31', '-1 month') FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31', '101 years') FROM contracts;
SELECT retention_base(started_on, ended_on, '2025-12-31', CASE WHEN customer_id < 3 THEN interval '1 month' ELSE '1 year' END)
FROM contracts;
SELECT '{"period_months": 12, "tenures": []}'::retention_base || '{"period_days": 1, "tenures": []}';
SELECT retention_base('4000-01-01 BC'::date, NULL, '2025-12-31', '1 day');
SELECT retention_base(0, true, 5, '1 year');
SELECT retention_base(-1, false, 5, '1 year');
SELECT retention_base(1000001, false, 5, '1 year');
SELECT retention_base(1, false, -5, '1 year');
SELECT '{"period_months": 12, "tenures": [[1, 0, 9223372036854775807]]}'::retention_base || '{"period_months": 12, "tenures": [[1, 1, 0]]}';
SELECT kaplan_meier(base, 1) FROM bases;
SELECT kaplan_meier(base, 'NaN') FROM bases;
SELECT retention_curve(base, -1) FROM bases;
SELECT retention_curve(m, 1000001) FROM models;
SELECT renewal_prob(m, -1) FROM models;
SELECT residual_tenure(m, -1) FROM models;
SELECT residual_tenure(m, 0, -0.1) FROM models;
SELECT expected_tenure(m, 'NaN') FROM models;
SELECT expected_tenure(m, 'infinity') FROM models;

DROP TABLE contracts, panel, bases, models, panels, panel_fits, remission, many, whole, models_and_bases;
