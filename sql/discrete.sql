-- Discrete time: donors, members, visitors of a yearly fair. In every period
-- there is one opportunity to come, and it is taken or not: BG/BB (Fader, Hardie
-- & Shang 2010).
\set VERBOSITY terse
SET datestyle = iso;
CREATE TABLE truth AS SELECT '{"model": "bg/bb", "period": "year", "timing": {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;
CREATE TABLE donors AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM truth, simulate_orders(8000, m, '2015-01-01', '2026-01-01', 3) GROUP BY customer_id;

-- The base counts by the year, and says so. Within a year it does not matter how often.
SELECT max(repeat_count) AS most, max(last_order_days) AS latest, min(first_order_on), max(first_order_on), sum(customer_count)
FROM (SELECT customer_base(h, 'year') AS base FROM donors) AS x, unnest(base);
SELECT (SELECT customer_base(h || h, 'year') FROM donors WHERE repeat_count(h) = 0) = (SELECT customer_base(h, 'year') FROM donors WHERE repeat_count(h) = 0) AS same;

CREATE TABLE fits AS SELECT clv_fit(customer_base(h, 'year'), 'bg/bb') AS m FROM donors;
SELECT f.part, f.param, t.estimate AS truth, abs(f.estimate - t.estimate) < 2.5 * f.std_error AS found, f.identified
FROM fits, truth, clv_params(fits.m) AS f JOIN LATERAL clv_params(truth.m) AS t ON f.part = t.part AND f.param = t.param ORDER BY 1, 2;
SELECT m - 'timing' - 'spend' - 'timing_fit' - 'spend_fit' AS head FROM (SELECT m::jsonb FROM fits) AS x(m);
SELECT model_name(clv_fit(customer_base(h, 'year'))) AS automatic FROM donors;
-- It is observed until the end of the year of the last order, and so are the scores.
SELECT max(last_order_on(h)) > '2025-06-30' AS late, fitted_as_of(m) FROM donors, fits GROUP BY m;
SELECT bool_and(alive_prob(h, m) = 1) AS alive FROM donors, fits WHERE last_order_on(h) >= '2025-01-01';

-- Published: of the 11,104 donors of 1995, with six opportunities until 2001, those
-- who came every year, and those who never came back (five digits of the parameters).
CREATE TABLE donor (name text, h purchase_history);
INSERT INTO donor SELECT 'every year', purchase_history(make_date(y, 5, 17), 25.0) FROM generate_series(1995, 2001) AS y;
INSERT INTO donor SELECT 'once', purchase_history('1995-05-17'::date, 25.0);
INSERT INTO donor SELECT 'until 1999', purchase_history(make_date(y, 1 + y % 12, 1), 25.0) FROM unnest(ARRAY[1995, 1997, 1999]) AS y;
CREATE TABLE published AS SELECT '{"model": "bg/bb", "period": "year", "as_of": "2001-12-31",
	"timing": {"alpha": 1.2035, "beta": 0.7497, "gamma": 0.6568, "delta": 2.7838}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;
SELECT name, round(alive_prob(h, m)::numeric, 6) AS alive, round(expected_transactions(h, m, 5 * 365 + 1)::numeric, 6) AS five_years,
	round(discounted_transactions(h, m, 0.1)::numeric, 6) AS residual, round(order_prob(h, m)::numeric, 6) AS next_year, next_order_on(h, m), days_overdue(h, m)
FROM donor, published ORDER BY 1;

-- The year that as_of lies in counts as a whole; a horizon counts the years that begin in it.
SELECT day, alive_prob(h, m, day) = alive_prob(h, m) AS same_year, expected_transactions(h, m, 30, day) AS in_30_days
FROM donor, published, unnest(ARRAY[date '2001-03-01', '2001-12-31', '2002-01-01']) AS day WHERE name = 'once';
SELECT round(new_customer_transactions(m, 365)::numeric, 5) AS one_year, round(new_customer_transactions(m, 6 * 365)::numeric, 5) AS six_years,
	(SELECT round(sum(prob)::numeric, 10) FROM new_customer_transactions_pmf(m, 6 * 365, 6)) AS all_of_them FROM published;

-- From plain numbers: opportunities taken, and days since the last one and the first, to the nearest period.
SELECT alive_prob(2, 2 * 365, 6 * 365, m) = (SELECT alive_prob(h, m) FROM donor WHERE name = 'until 1999') AS same FROM published;
SELECT score_status(9, 365, 6 * 365, 10, m) FROM published;

-- The mean of the next year's orders is the chance of one: it comes once or not at all.
SELECT bool_and(abs(expected_transactions(h, m, 365) - order_prob(h, m, 365)) < 1e-12) AS once_or_not FROM donors, fits;
-- Of customers who will be there next year with this probability, so many are.
SELECT width_bucket(p, 0, 0.8, 4) AS class, abs(avg(came::int) - avg(p)) < 0.06 AS calibrated FROM (
	SELECT order_prob(h, m, 365, date '2024-12-31') AS p, orders_between(h, '2025-01-01', '2026-01-01') > 0 AS came
	FROM donors, truth WHERE first_order_on(h) < '2025-01-01') AS x GROUP BY 1 ORDER BY 1;

-- Days and periods are not mixed up.
SELECT clv_fit(customer_base(h), 'bg/bb') FROM donors;
SELECT clv_fit(customer_base(h, 'year'), 'bg/nbd') FROM donors;
SELECT clv_fit('{"period": "year", "covariates": [[0], [1]], "timing": [[0, 0, "2001-01-01", 9, 0], [1, 1, "2001-01-01", 9, 1]],
	"left_out": {"no_amounts": 9}}');
SELECT '{"model": "bg/bb", "timing": {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}}'::clv_model;
SELECT '{"model": "bg/nbd", "period": "year", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'::clv_model;
SELECT '{"model": "bg/bb", "period": "year", "time_unit_days": 7, "timing": {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}}'::clv_model;
DROP TABLE truth, donors, fits, donor, published;
