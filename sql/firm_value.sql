-- What the customers there are and those to come make a firm worth.
SET extra_float_digits = 0;

CREATE TABLE histories AS
SELECT purchase_history(ordered_at, amount::numeric) AS h
FROM simulate_orders(400, '{"model": "pareto/nbd", "timing": {"r": 0.6, "alpha": 8, "s": 1.7, "beta": 20},
	"spend": {"p": 6, "q": 4, "gamma": 15}}', '2023-01-01', '2025-12-28', seed => 1) GROUP BY customer_id;
CREATE TABLE firm AS
SELECT m, customer_equity(h, m, 0.3, 0.15) AS e, acquisition_fit(array_fill(60.0::float8, ARRAY[104]), '2024-01-01', 'week', 'naive', seasonal => false) AS a
FROM histories, (SELECT clv_fit(customer_base(h, '2025-12-28'), 'pareto/nbd', '2025-12-28') AS m FROM histories) AS fit GROUP BY m;
-- The weeks of the acquisition model end where the equity begins.
SELECT min(period_start) FROM firm, acquisition_forecast(a, 1);

-- Each part by hand: 60 new customers a week for 52 weeks, each at their middle.
CREATE TABLE parts AS
SELECT f.* FROM firm, firm_value(e, a, m, 20, 5000, 0.25, 1000, 500, 364 / 365.0) AS f;
SELECT part, round(value::numeric, 4) AS value, low < value AS low, high > value AS high, status FROM parts;
SELECT p.value = h.value AS value, abs(p.low / h.low - 1) < 1e-12 AS low, abs(p.high / h.high - 1) < 1e-12 AS high
FROM parts AS p, firm, equity_by_horizon(e) AS h WHERE horizon_years IS NULL AND part = 'existing customers';
SELECT round(((0.3 * t.each * (1 + discounted_transactions(0, 0, 0, m, 0.15)) - 20) *
		(SELECT sum(60 * power(1.15, -(w - 0.5) * 7 / 365)) FROM generate_series(1, 52) AS w))::numeric, 4) AS future
FROM firm, LATERAL (SELECT (s ->> 'p')::float8 * (s ->> 'gamma')::float8 / ((s ->> 'q')::float8 - 1) AS each FROM (SELECT m::jsonb -> 'spend' AS s) AS x) AS t;
SELECT round((5000 * (1 - power(1.15, -364 / 365.0)) / ln(1.15))::numeric, 4) AS fixed_costs;
WITH p AS (SELECT jsonb_object_agg(part, value) AS v FROM parts)
SELECT abs(0.25 * ((v ->> 'existing customers')::float8 + (v ->> 'future customers')::float8 + (v ->> 'fixed costs')::float8) + (v ->> 'taxes')::float8) < 1e-6 AS taxes,
	abs((v ->> 'existing customers')::float8 + (v ->> 'future customers')::float8 + (v ->> 'fixed costs')::float8 + (v ->> 'taxes')::float8 - (v ->> 'operations')::float8) < 1e-6 AS operations,
	abs((v ->> 'operations')::float8 + 500 - 1000 - (v ->> 'firm')::float8) < 1e-6 AS firm
FROM p;

-- Existing and new customers rest on the same parameters: the interval of the sum is wider than that of independent parts.
SELECT (o.high - o.low) ^ 2 > (e.value * ln(e.high / e.low)) ^ 2 + (f.high - f.low) ^ 2 AS shared, (o.high - o.low) <= e.value * ln(e.high / e.low) + (f.high - f.low) + 1e-6 AS at_most_their_sum
FROM firm, LATERAL (SELECT max(value) FILTER (WHERE part = 'existing customers') AS value, max(low) FILTER (WHERE part = 'existing customers') AS low, max(high) FILTER (WHERE part = 'existing customers') AS high FROM firm_value(e, a, m, 20)) AS e,
	LATERAL (SELECT max(low) FILTER (WHERE part = 'future customers') AS low, max(high) FILTER (WHERE part = 'future customers') AS high FROM firm_value(e, a, m, 20)) AS f,
	LATERAL (SELECT max(low) FILTER (WHERE part = 'operations') AS low, max(high) FILTER (WHERE part = 'operations') AS high FROM firm_value(e, a, m, 20)) AS o;

-- The first order may be worth something else, and the equity may be of a day within a period.
SELECT round((b.value - a.value)::numeric, 4) AS more
FROM firm, firm_value(e, a, m, 20, years => 1, first_order_value => 10) AS a, firm_value(e, a, m, 20, years => 1, first_order_value => 20) AS b
WHERE a.part = b.part AND a.part = 'future customers';
SELECT round((10 * 0.3 * (SELECT sum(60 * power(1.15, -(w - 0.5) * 7 / 365)) FROM generate_series(1, 52) AS w) + 3 * 60 / 7.0 * power(1.15, -364.5 / 365))::numeric, 4) AS more;
SELECT round((b.value / a.value)::numeric, 6) AS of_a_whole_week
FROM firm, LATERAL (SELECT customer_equity(h, firm.m, 0.3, 0.15, '2025-12-31') AS later FROM histories) AS l,
	firm_value(e, a, firm.m, 0, years => 3 / 365.0) AS a, firm_value(later, a, firm.m, 0, years => 3 / 365.0) AS b
WHERE a.part = b.part AND a.part = 'future customers';

-- What each assumption does. With another discount it is what an equity at that discount gives.
SELECT assumption, change, round(firm_value::numeric, 2) AS firm_value, round(difference::numeric, 2) AS difference
FROM firm, firm_value_sensitivity(e, a, m, 20, 5000, 0.25, 1000, 500, 5);
SELECT bool_and(abs(s.firm_value / f.value - 1) < 1e-12) AS as_if_built_so
FROM firm, (VALUES ('-2 points', 0.15::float8 - 0.02), ('+2 points', 0.15::float8 + 0.02)) AS d (change, discount),
	LATERAL (SELECT customer_equity(h, firm.m, 0.3, discount) AS other FROM histories) AS o,
	firm_value(other, a, firm.m, 20, 5000, 0.25, 1000, 500, 5) AS f, firm_value_sensitivity(e, a, firm.m, 20, 5000, 0.25, 1000, 500, 5) AS s
WHERE f.part = 'firm' AND s.assumption = 'annual discount' AND s.change = d.change;
SELECT bool_and(abs(s.firm_value / f.value - 1) < 1e-12) AS as_if_built_so
FROM firm, (VALUES ('-10 %', 0.3::float8 * 0.9), ('+10 %', 0.3::float8 * 1.1)) AS d (change, margin),
	LATERAL (SELECT customer_equity(h, firm.m, margin, 0.15) AS other FROM histories) AS o,
	firm_value(other, a, firm.m, 20, 5000, 0.25, 1000, 500, 5) AS f, firm_value_sensitivity(e, a, firm.m, 20, 5000, 0.25, 1000, 500, 5) AS s
WHERE f.part = 'firm' AND s.assumption = 'margin' AND s.change = d.change;

-- Without a discount customers whose lifetime has no mean are worth more than any number.
CREATE TABLE undiscounted AS
SELECT m, customer_equity(h, m, 0.3, 0) AS e
FROM histories, (VALUES ('{"model": "pareto/nbd", "as_of": "2025-12-28", "timing": {"r": 0.6, "alpha": 8, "s": 0.7, "beta": 20}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model),
	('{"model": "pareto/nbd", "as_of": "2025-12-28", "timing": {"r": 0.6, "alpha": 8, "s": 1.7, "beta": 20}, "spend": {"p": 6, "q": 4, "gamma": 15}}'),
	('{"model": "bg/nbd", "as_of": "2025-12-28", "timing": {"r": 0.6, "alpha": 8, "a": 0.7, "b": 2}, "spend": {"p": 6, "q": 4, "gamma": 15}}')) AS models (m) GROUP BY m::text, m;
SELECT model_name(u.m), u.m::jsonb #>> '{timing,s}' AS s, part, f.value IS NULL AS unknown, status
FROM undiscounted AS u, firm, firm_value(u.e, a, u.m, 20) AS f WHERE part IN ('existing customers', 'future customers', 'firm') ORDER BY 1 DESC, 2, 3;
SELECT s.assumption, s.change, s.firm_value IS NULL AS unknown
FROM undiscounted AS u, firm, firm_value_sensitivity(u.e, a, u.m, 20) AS s WHERE u.m::jsonb #>> '{timing,s}' = '1.7' AND s.assumption IN ('none', 'annual discount');

-- An equity that was stored before there were other discounts in it is still read, and merged; these are then not known.
CREATE TABLE earlier AS
SELECT e, jsonb_set(e::jsonb, '{sums}', (e::jsonb -> 'sums') - -1 - -1)::text::customer_equity AS old FROM firm;
SELECT bool_and(o.value = n.value) AS same FROM earlier, equity_by_horizon(e) AS n, equity_by_horizon(old) AS o WHERE o.horizon_years = n.horizon_years;
SELECT old = old::text::customer_equity AS text, jsonb_array_length((old || e)::jsonb -> 'sums') = jsonb_array_length(e::jsonb -> 'sums') - 2 AS merged, old || e = e || old AS in_any_order
FROM earlier;
SELECT assumption, change, s.firm_value IS NULL AS unknown FROM firm, earlier, firm_value_sensitivity(old, a, m, 20) AS s WHERE assumption IN ('none', 'annual discount');

-- Nothing, and what is refused.
SELECT count(*) FROM firm, firm_value(NULL, a, m, 20);
SELECT count(*) FROM firm, firm_value(e, a, m, NULL);
-- New customers of another time are said to be so.
SELECT count(*) FROM firm, (SELECT acquisition_fit(array_agg(30.0::float8), '1950-01-01', 'month', 'naive') AS old FROM generate_series(1, 24)) AS x, firm_value(e, old, m, 20);
SELECT count(*) FROM firm, firm_value(e, a, m, 20, tax_rate => NULL);
SELECT count(*) FROM firm, firm_value(e, a, m, 20, level => NULL);
SELECT count(*) FROM firm, firm_value_sensitivity(e, a, m, 20, years => NULL);
SELECT firm_value(e, a, m, -1) FROM firm;
SELECT firm_value(e, a, m, 'NaN') FROM firm;
SELECT firm_value(e, a, m, 20, -5) FROM firm;
SELECT firm_value(e, a, m, 20, tax_rate => 1.5) FROM firm;
SELECT firm_value(e, a, m, 20, net_debt => 'Infinity') FROM firm;
SELECT firm_value(e, a, m, 20, years => 101) FROM firm;
SELECT firm_value(e, a, m, 20, years => 40) FROM firm;
SELECT firm_value(e, a, '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}', 20) FROM firm;
SELECT firm_value(e, acquisition_fit(array_fill(60.0::float8, ARRAY[109]), '2024-01-01', 'week', 'naive'), m, 20) FROM firm;

-- What cannot be relied on says so: a fit that did not converge, growth beyond all that was seen, and customers without a value.
SET client_min_messages = error;
SELECT part, status FROM firm, (SELECT acquisition_fit('{0,0,0,0,0,0,0,0,1e15}'::float8[], '2024-05-01', 'month', 'seasonal') AS wild) AS x, firm_value(e, wild, m, 20) WHERE part IN ('existing customers', 'future customers', 'firm');
SELECT status, count(*), min(period_start) FROM (SELECT acquisition_fit('{1,0,0,0,0,0,0,0,0,10}'::float8[], '2025-01-01', 'month', 'seasonal') AS wild) AS x, acquisition_forecast(wild, 24) GROUP BY 1 ORDER BY 3;
SELECT part, status FROM firm, (SELECT acquisition_fit('{1,0,0,0,0,0,0,0,0,10}'::float8[], '2024-04-01', 'month', 'seasonal') AS wild) AS x, firm_value(e, wild, m, 20) WHERE part IN ('existing customers', 'future customers', 'firm');
SELECT bool_and(h.status = 'customers_left_out') AS said
FROM firm, (SELECT customer_equity(dates, m) AS partly FROM firm, (SELECT (SELECT purchase_history(ordered_on) FROM unnest(h)) AS dates FROM histories) AS x GROUP BY m) AS y, equity_by_horizon(partly) AS h;
-- No part is minus zero.
SELECT string_agg(value::text, ' ') AS zeros FROM firm, firm_value(e, a, m, 20) WHERE value = 0;
RESET client_min_messages;

DROP TABLE histories, firm, parts, undiscounted, earlier;
