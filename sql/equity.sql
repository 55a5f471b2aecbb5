-- What are the customers worth? customer_equity sums up the value of all of them, by
-- horizon, with what the interval of the total takes.

SET datestyle = ISO;
SET extra_float_digits = -9;

CREATE TABLE shop AS
SELECT customer_id, purchase_history(ordered_at, round(amount::numeric, 2)) AS h
FROM simulate_orders(600, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 6, "a": 0.8, "b": 2.5},
	"spend": {"p": 6, "q": 4, "gamma": 15}}', '2024-01-01', '2026-01-01', 11) GROUP BY customer_id;
CREATE TABLE models AS
SELECT name, clv_fit(b, name) AS m FROM (SELECT customer_base(h) AS b FROM shop) AS x, unnest('{pareto/nbd,bg/nbd,mbg/nbd,bg/cnbd-k}'::text[]) AS name;
DELETE FROM shop WHERE customer_id > 150;

-- One value, read for 1, 3, 5 and 10 years, and without end. margin turns spend into
-- profit; money of a year hence is worth 1 / (1 + annual_discount).
CREATE TABLE equity AS SELECT customer_equity(h, m, 0.3, 0.15) AS e FROM shop, models WHERE name = 'pareto/nbd';
SELECT horizon_years, round(value::numeric, 2) AS value, round(low::numeric, 1) AS low, round(high::numeric, 1) AS high, round(alive_customers::numeric, 3) AS alive, status
FROM equity, equity_by_horizon(e);
SELECT customer_count(e) FROM equity;
-- Another level, another width around the same value.
SELECT horizon_years, a.value = b.value AS value, a.low < b.low AS low, b.high < a.high AS high
FROM equity, equity_by_horizon(e, 0.99) AS a JOIN equity_by_horizon(e, 0.5) AS b USING (horizon_years);

-- It is the sum of what clv_estimate says of each customer, under every model.
SELECT name, bool_and(abs(q.value / total - 1) < 1e-9) AS value, bool_and(abs(alive_customers / alive - 1) < 1e-12) AS alive, count(*) AS horizons
FROM models, LATERAL (SELECT customer_equity(h, m, 0.3, 0.15) AS e FROM shop) AS x, equity_by_horizon(e) AS q,
	LATERAL (SELECT sum(CASE WHEN horizon_years IS NULL THEN 0.3 * expected_transaction_value(h, m) * discounted_transactions(h, m, 0.15)
			ELSE clv_estimate(h, m, 365 * horizon_years::int, 0.15, 0.3) END) AS total,
		sum(alive_prob(h, m)) AS alive FROM shop) AS s
GROUP BY name ORDER BY name;

-- Of a single customer the interval is that of clv_mean_interval, which takes its
-- derivatives another way; that of all customers is not the sum of theirs.
SELECT name, count(*) AS cases, bool_and(abs(q.low / i.low - 1) < 1e-5 AND abs(q.high / i.high - 1) < 1e-5) AS same
FROM (SELECT customer_id, name, customer_equity(h, m, 0.3, 0.15) AS e FROM shop, models WHERE customer_id <= 4 GROUP BY 1, 2) AS x
	JOIN shop USING (customer_id) JOIN models USING (name), equity_by_horizon(e, 0.8) AS q,
	clv_mean_interval(h, m, 0.8, 365 * horizon_years::int, 0.15, 0.3) AS i
WHERE horizon_years IS NOT NULL GROUP BY name ORDER BY name;
SELECT q.low > sum(i.low) AND q.high < sum(i.high) AS narrower
FROM shop, models, equity, equity_by_horizon(e) AS q, clv_mean_interval(h, m, 0.9, 365, 0.15, 0.3) AS i
WHERE name = 'pareto/nbd' AND horizon_years = 1 GROUP BY q.low, q.high;

-- Segments and shards add, to the same bytes: in any order and any split.
SELECT rollup(part) = e AS of_shards FROM (SELECT customer_equity(h, m, 0.3, 0.15 ORDER BY customer_id % 89) AS part
	FROM shop, models WHERE name = 'pareto/nbd' GROUP BY customer_id % 7) AS x, equity GROUP BY e;
SELECT a || b = e AS of_two, b || a = e AS either_way FROM equity,
	(SELECT customer_equity(h, m, 0.3, 0.15) FILTER (WHERE customer_id < 100) AS a, customer_equity(h, m, 0.3, 0.15) FILTER (WHERE customer_id >= 100) AS b
		FROM shop, models WHERE name = 'pareto/nbd') AS x;
-- A running total, whose states are read and gone on with.
SELECT bool_and(e = (SELECT customer_equity(h, m, 0.3, 0.15) FROM shop, models WHERE name = 'pareto/nbd' AND customer_id <= x.customer_id)) AS running
FROM (SELECT customer_id, customer_equity(h, m, 0.3, 0.15) OVER (ORDER BY customer_id) AS e FROM shop, models WHERE name = 'pareto/nbd' AND customer_id <= 6) AS x;
SELECT rollup(e) = e AS alone FROM equity GROUP BY e;
SELECT rollup(e) IS NULL AS of_nothing FROM equity WHERE false;
-- Two workers put the same bytes together.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION pg_temp.partial_aggregate(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text ~ '"Partial Mode": "Partial"';
END $$;
SELECT pg_temp.partial_aggregate($$SELECT customer_equity(h, (SELECT m FROM models WHERE name = 'pareto/nbd'), 0.3, 0.15) FROM shop$$) AS in_workers;
SELECT customer_equity(h, (SELECT m FROM models WHERE name = 'pareto/nbd'), 0.3, 0.15) = (SELECT e FROM equity) AS parallel FROM shop;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- As they stood on another day. Who came later has no orders yet, and is counted apart,
-- as is every customer without a value.
SELECT round(value::numeric, 2) AS value, abs(value / total - 1) < 1e-9 AS same
FROM (SELECT customer_equity(h, m, 0.3, 0.15, '2025-01-01') AS e, sum(clv_estimate(h, m, 365, 0.15, 0.3, '2025-01-01')) AS total FROM shop, models WHERE name = 'bg/nbd') AS x,
	equity_by_horizon(e) WHERE horizon_years = 1;
CREATE TABLE odd (what text, h purchase_history);
INSERT INTO odd VALUES ('fine', '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 10]]}'), ('one order', '{"orders": [["2025-01-05", 12.5]]}'),
	('none', '{"orders": []}'), ('later', '{"orders": [["2026-06-01", 5]]}'), ('amount not known', '{"orders": [["2025-01-05", 5], ["2025-03-01", null]]}'),
	('refunded', '{"orders": [["2025-01-05", 5], ["2025-03-01", 5], ["2025-03-02", -5]]}'), ('nothing', NULL);
SELECT customer_count(e), (SELECT json_object_agg(reason, l.customer_count) FROM equity_left_out(e) AS l) AS left_out
FROM (SELECT customer_equity(h, m) AS e FROM odd, models WHERE name = 'bg/nbd') AS x;
-- An enormous amount is a value like others; one beyond all others is counted apart.
SELECT customer_count(e), (SELECT json_object_agg(reason, l.customer_count) FROM equity_left_out(e) AS l) AS left_out, abs(value / clv - 1) < 1e-9 AS same
FROM (VALUES ('{"orders": [["2025-01-05", 12.5], ["2025-03-01", 1e15]]}'::purchase_history), ('{"orders": [["2025-01-05", 12.5], ["2025-03-01", 1e200]]}')) AS v(h),
	LATERAL (SELECT customer_equity(h, m) AS e, sum(clv_estimate(h, m)) AS clv FROM models WHERE name = 'bg/nbd') AS x, equity_by_horizon(e) WHERE horizon_years = 1;
-- Nobody is worth nothing, a loss turns the interval over, and no margin leaves nothing to doubt.
SELECT * FROM equity_by_horizon((SELECT customer_equity(h, m) FROM odd, models WHERE name = 'bg/nbd' AND what = 'none'));
SELECT a.value = -b.value AS value, abs(a.low / b.high + 1) < 1e-12 AS low, abs(a.high / b.low + 1) < 1e-12 AS high
FROM models, LATERAL (SELECT customer_equity(h, m, -0.3, 0.1) AS loss, customer_equity(h, m, 0.3, 0.1) AS gain FROM shop) AS x,
	equity_by_horizon(loss) AS a, equity_by_horizon(gain) AS b WHERE name = 'bg/nbd' AND a.horizon_years = 1 AND b.horizon_years = 1;
SELECT horizon_years, value, low, high FROM models, LATERAL (SELECT customer_equity(h, m, 0, 0.1) AS e FROM shop) AS x, equity_by_horizon(e) WHERE name = 'bg/nbd' AND horizon_years = 5;
SELECT customer_equity(h, m) IS NULL AS no_rows FROM shop, models WHERE false;
SELECT customer_equity(h, NULL) IS NULL AS no_model FROM shop;

-- Without a discount the value without end is infinite where customers stay too long (s of
-- Pareto/NBD up to 1), and is otherwise known for Pareto/NBD only.
SELECT model::text ~ 'pareto' AS pareto, (model::jsonb #>> '{timing,s}')::float8 AS s, horizon_years, round(value::numeric, 4) AS value, low, status
FROM (VALUES ('{"model": "pareto/nbd", "as_of": "2026-01-01", "timing": {"r": 0.5, "alpha": 8, "s": 0.9, "beta": 10}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model),
	('{"model": "pareto/nbd", "as_of": "2026-01-01", "timing": {"r": 0.5, "alpha": 8, "s": 1.5, "beta": 10}, "spend": {"p": 6, "q": 4, "gamma": 15}}'),
	('{"model": "bg/nbd", "as_of": "2026-01-01", "timing": {"r": 0.5, "alpha": 8, "a": 0.9, "b": 10}, "spend": {"p": 6, "q": 4, "gamma": 15}}')) AS v(model),
	LATERAL (SELECT customer_equity(h, model, 1, 0) AS e FROM shop) AS x, equity_by_horizon(e)
WHERE horizon_years IS NULL OR horizon_years = 10;
-- Pareto/NBD by hand: P(alive) (r + x) / (alpha + T) (beta + T) / (s - 1), in weeks.
SELECT abs(value / by_hand - 1) < 1e-9 AS same
FROM (SELECT '{"model": "pareto/nbd", "as_of": "2026-01-01", "timing": {"r": 0.5, "alpha": 8, "s": 1.5, "beta": 10}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model AS m) AS f,
	LATERAL (SELECT customer_equity(h, m, 1, 0) AS e, sum(alive_prob(h, m) * expected_transaction_value(h, m) * (0.5 + repeat_count(h))
		/ (8 + tenure_days(h, '2026-01-01') / 7.0) * (10 + tenure_days(h, '2026-01-01') / 7.0) / 0.5) AS by_hand FROM shop) AS x, equity_by_horizon(e)
WHERE horizon_years IS NULL;

-- Models of discrete time count the periods that begin within a horizon.
SELECT bool_and(abs(value / total - 1) < 1e-9) AS same, count(*)
FROM (SELECT '{"model": "bg/bb", "period": "month", "as_of": "2025-12-31", "timing": {"alpha": 1.2, "beta": 2, "gamma": 0.7, "delta": 5}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model AS m) AS f,
	LATERAL (SELECT customer_equity(h, m, 0.3, 0.15) AS e FROM shop) AS x, equity_by_horizon(e),
	LATERAL (SELECT sum(clv_estimate(h, m, 365 * horizon_years::int, 0.15, 0.3)) AS total FROM shop) AS s WHERE horizon_years IS NOT NULL;

-- Text and binary forms are exact.
SELECT e::text::customer_equity = e AS text, e::jsonb::text::customer_equity = e AS jsonb FROM equity;
CREATE TABLE copies (e customer_equity);
\copy (SELECT e FROM equity) TO 'results/equity.bin' WITH (FORMAT binary)
\copy copies FROM 'results/equity.bin' WITH (FORMAT binary)
SELECT count(*) FROM equity JOIN copies USING (e);
SELECT jsonb_object_keys(e::jsonb) FROM equity;

-- All rows must be on the same terms, and terms must make sense.
SELECT customer_equity(h, m) FROM shop, models;
SELECT customer_equity(h, m, 0.3, 0.1 + (customer_id % 2) * 0.05) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 0.1 + (customer_id % 2) * 0.05, 0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 0.3, 0.1, date '2026-01-01' + (customer_id % 2)::int) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 1.5, 0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, -1, 0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 'NaN', 0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 0.3, -0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, NULL, 0.1) FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, m, 0.3, 0.1, 'infinity') FROM shop, models WHERE name = 'bg/nbd';
SELECT customer_equity(h, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "spend": {"p": 6, "q": 4, "gamma": 15}}') FROM shop;
SELECT customer_equity(h, '{"model": "bg/nbd", "as_of": "2026-01-01", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}') FROM shop;
SELECT customer_equity(h, '{"model": "bg/nbd", "as_of": "2026-01-01", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "covariates": ["web"],
	"coefficients": {"rate:web": 0.2, "dropout_a:web": 0.1, "dropout_b:web": 0}, "spend": {"p": 6, "q": 4, "gamma": 15}}') FROM shop;
SELECT equity_by_horizon(e, 1) FROM equity;
SELECT (e::jsonb || '{"margin": 7}')::text::customer_equity FROM equity;
SELECT (e::jsonb || '{"sums": [[1]]}')::text::customer_equity FROM equity;
SELECT (e::jsonb || '{"customers": -1}')::text::customer_equity FROM equity;
SELECT (e::jsonb - 'as_of')::text::customer_equity FROM equity;
SELECT jsonb_set(e::jsonb, '{sums,0}', '[1e301]')::text::customer_equity FROM equity;
SELECT jsonb_set(e::jsonb, '{left_out}', '{"surprise": 1}')::text::customer_equity FROM equity;

DROP TABLE shop, models, equity, odd, copies;

-- Customers who all buy at nearly the same rate: the value is that of clv_estimate, too.
SELECT model, r, round(e.value::numeric, 4) AS equity, abs(e.value / clv - 1) < 1e-8 AS same
FROM unnest('{bg/nbd, mbg/nbd}'::text[]) AS model, unnest('{0.5, 20, 300, 7000}'::float8[]) AS r,
	LATERAL (SELECT format('{"model": "%s", "as_of": "2025-12-31", "timing": {"r": %s, "alpha": %s, "a": 0.8, "b": 0.44}, "spend": {"p": 6, "q": 4, "gamma": 15}}',
		model, r, 2 * r)::clv_model AS m) AS m,
	LATERAL (SELECT customer_equity(h, m) AS equity FROM (VALUES ('{"orders": [["2025-12-30", 10]]}'::purchase_history, m)) AS v(h, m)) AS q,
	LATERAL (SELECT value FROM equity_by_horizon(equity) WHERE horizon_years = 1) AS e,
	LATERAL (SELECT clv_estimate('{"orders": [["2025-12-30", 10]]}', m, 365, 0.1) AS clv) AS y
ORDER BY model, r;
