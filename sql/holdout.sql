-- Is the model right? A model fitted on what was known on one day, against what
-- came until another.

SET datestyle = ISO;
SET extra_float_digits = -9;

-- Seven customers. Until the end of June the model may look; from July to the end of
-- the year it has to foretell.
CREATE TABLE orders (customer_id int, ordered_at date, amount numeric);
INSERT INTO orders VALUES
	(1, '2025-01-01', 5), (1, '2025-01-08', 5), (1, '2025-03-01', 5),
	(2, '2025-01-01', 5), (2, '2025-02-01', 5), (2, '2025-02-01', 5), (2, '2025-07-01', 5), (2, '2025-12-31', 5),
	(3, '2025-01-01', 5), (3, '2025-02-01', 5), (3, '2025-07-01', 5), (3, '2025-09-01', -5), (3, '2026-01-01', 5),
	(4, '2025-06-30', 5), (4, '2025-07-01', 5),
	(5, '2025-02-03', 5), (6, '2025-02-03', 5),
	(7, '2025-08-01', 5), (7, '2025-08-15', 5),
	(8, '2026-01-01', 5),
	(9, '2025-02-01', -5);
CREATE TABLE histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY 1;

-- A holdout counts: customers with x repeat transactions, the last t_x days after
-- the first one, on that day, and so many orders afterwards; customers acquired
-- later; repeat transactions day by day; and the gaps between transactions, as the
-- models need them. Two orders on one day are one transaction, a refund is none.
-- Who has not ordered by the end is left out. Five customers are few, and it says so.
CREATE TABLE holdouts AS SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v FROM histories;
SELECT member.* FROM holdouts, jsonb_each(v::jsonb - 'fit') AS member;

-- The model knows nothing of what came after the calibration: it is the one that
-- is fitted to a base as of that day; of spend twelve digits are kept.
SELECT p.param, abs(p.estimate / q.estimate - 1) < 1e-9 AS same, abs(p.std_error / q.std_error - 1) < 1e-6 AS sure
FROM holdouts, clv_params(holdout_model(v)) AS p
	JOIN LATERAL (SELECT clv_fit(customer_base(h, '2025-06-30'), 'bg/nbd') AS m FROM histories) AS f ON true
	JOIN LATERAL clv_params(m) AS q USING (part, param);
SELECT fitted_as_of(holdout_model(v)), customer_count(holdout_model(v)) FROM holdouts;

-- A shop of 3000 customers who live by the model, acquired over two years.
CREATE TABLE shop AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(3000, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6, "q": 4, "gamma": 15}}', '2024-01-01', '2026-01-01', 7) GROUP BY customer_id;
CREATE TABLE shop_holdout AS
SELECT model, holdout(h, '2025-06-30', '2025-12-31', model) AS v
FROM shop, (VALUES ('bg/nbd'), ('pareto/nbd')) AS models(model) GROUP BY model ORDER BY model;

-- The first plot: orders of the holdout by the number of repeat transactions in the
-- calibration. The last row is of customers with seven or more.
SELECT t.* FROM shop_holdout, holdout_by_repeat_count(v) AS t WHERE model = 'bg/nbd';
SELECT t.* FROM shop_holdout, holdout_by_repeat_count(v, 2) AS t WHERE model = 'bg/nbd';
SELECT t.* FROM shop_holdout, holdout_by_repeat_count(v, 0) AS t WHERE model = 'bg/nbd';
-- Classes without customers have no mean.
SELECT t.* FROM shop_holdout, holdout_by_repeat_count(v, 100) AS t WHERE model = 'bg/nbd' AND repeat_count IN (90, 100);

-- The same from the histories and their scores.
CREATE TABLE scored AS
SELECT repeat_count(h, '2025-06-30') AS x, repeat_count(h, '2025-12-31') - repeat_count(h, '2025-06-30') AS actual,
	expected_transactions(h, m, date '2025-12-31' - '2025-06-30') AS expected
FROM shop, (SELECT holdout_model(v) AS m FROM shop_holdout WHERE model = 'bg/nbd' OFFSET 0) AS fit
WHERE first_order_on(h) <= '2025-06-30';
SELECT count(*) AS classes, bool_and(customers = customer_count AND actual = actual_transactions) AS counts,
	bool_and(abs(expected / expected_transactions - 1) < 1e-12 AND abs(expected / customers / expected_mean - 1) < 1e-12) AS expected,
	bool_and(actual_mean = actual_transactions::float8 / customer_count) AS means
FROM (SELECT least(x, 7) AS x, count(*) AS customers, sum(actual) AS actual, sum(expected) AS expected FROM scored GROUP BY 1) AS s
	JOIN (SELECT t.* FROM shop_holdout, holdout_by_repeat_count(v) AS t WHERE model = 'bg/nbd') AS t ON x = repeat_count;

-- The second plot: repeat transactions of all customers, those acquired later too, week
-- by week since the first acquisition. The last week ends with the holdout.
SELECT t.* FROM shop_holdout, holdout_tracking(v) AS t WHERE model = 'bg/nbd' AND (week % 20 = 1 OR week > 103);
-- Again from the histories; expected is the sum over all customers acquired so far.
SELECT count(*) AS weeks, bool_and(actual_cumulative = actual) AS actual, bool_and(abs(expected_cumulative / expected - 1) < 1e-12) AS expected,
	bool_and(actual_transactions = actual_cumulative - actual_before) AS actual_of_week,
	bool_and(abs(expected_transactions - expected_cumulative + expected_before) < 1e-9) AS expected_of_week
FROM (SELECT t.*, lag(actual_cumulative, 1, 0) OVER (ORDER BY week) AS actual_before,
		lag(expected_cumulative, 1, 0) OVER (ORDER BY week) AS expected_before
	FROM shop_holdout, holdout_tracking(v) AS t WHERE model = 'bg/nbd') AS t,
	(SELECT holdout_model(v) AS m FROM shop_holdout WHERE model = 'bg/nbd' OFFSET 0) AS fit,
	LATERAL (SELECT sum(repeat_count(h, period_end)) AS actual, sum(new_customer_transactions(m, period_end - first_order_on(h))) AS expected
		FROM shop WHERE first_order_on(h) <= period_end) AS x
WHERE week % 10 = 1 OR week > 103;

-- In one row: the total and its relative error; the error of a customer's expectation,
-- mean absolute and root mean square; and the mean logarithm of the probability that
-- the model gave to what the customer did, of which more is better. These customers
-- do live by BG/NBD.
SELECT model, s.* FROM shop_holdout, holdout_summary(v) AS s ORDER BY model;
SELECT customers = customer_count AND actual = actual_transactions AS counts, abs(expected / expected_transactions - 1) < 1e-12 AS expected,
	abs(expected / actual - 1 - total_error) < 1e-12 AS total_error, abs(absolute / mae - 1) < 1e-12 AS mae, abs(sqrt(squared) / rmse - 1) < 1e-12 AS rmse
FROM (SELECT count(*) AS customers, sum(actual) AS actual, sum(expected) AS expected,
		avg(abs(actual - expected)) AS absolute, avg((actual - expected) ^ 2) AS squared FROM scored) AS x,
	(SELECT s.* FROM shop_holdout, holdout_summary(v) AS s WHERE model = 'bg/nbd') AS s;
-- The probability is that of so many orders, of a customer who may have left. For one
-- customer and any number of orders: probabilities add up to one, their mean is the
-- expectation, and that of no order is what order_prob leaves.
CREATE TABLE one_customer AS
SELECT orders, s.* FROM generate_series(0, 100) AS orders, LATERAL (SELECT ('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31",
		"model": "bg/nbd", "customers": [[2, 59, "2025-01-01", ' || orders || ', 1]], "acquired_later": [["2025-12-31", 1]],
		"repeats": [["2025-01-08", 1], ["2025-03-01", 1], ["2025-12-31", ' || orders + 1 || ']], "gaps": [[7, 1], [52, 1]],
		"fit": {"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5}}}')::clv_holdout AS v) AS x,
	holdout_summary(v) AS s;
SELECT abs(sum(exp(log_score)) - 1) < 1e-9 AS all, abs(sum(orders * exp(log_score)) - min(expected_transactions)) < 1e-9 AS mean,
	max(actual_transactions) AS most, bool_and(abs(total_error * orders + orders - expected_transactions) < 1e-9) AS relative
FROM one_customer;
SELECT abs(exp(log_score) - 1 + order_prob(h, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5}}', 184, '2025-06-30')) < 1e-12 AS none,
	total_error, mae = expected_transactions AS mae, rmse = mae AS rmse
FROM one_customer, histories WHERE orders = 0 AND customer_id = 1;

-- And of money, where amounts are known: what the customers spent in the holdout and
-- what the model foretold; its mean absolute error; how well customers are ranked by it
-- (1: as by the spend that came, 0: not at all); how far the mean of a tenth of the
-- customers, by predicted spend, is from what came; and whether customers with more
-- transactions have larger ones, which the spend model takes them not to have.
CREATE TABLE spent AS
SELECT repeat_count(h, '2025-06-30') AS x, clv_estimate(h, m, date '2025-12-31' - '2025-06-30', 0) AS predicted,
	spend_between(h, '2025-07-01', '2026-01-01') AS actual, CASE WHEN repeat_count(h, '2025-06-30') > 0 THEN
		spend_between(h, first_order_on(h) + 1, '2025-07-01') / repeat_count(h, '2025-06-30') END AS value
FROM shop, (SELECT holdout_model(v) AS m FROM shop_holdout WHERE model = 'bg/nbd' OFFSET 0) AS fit
WHERE first_order_on(h) <= '2025-06-30';
SELECT customers = spend_customer_count AS customers, abs(actual / actual_spend - 1) < 1e-9 AS actual, abs(predicted / expected_spend - 1) < 1e-9 AS predicted,
	abs(predicted / actual - 1 - spend_error) < 1e-9 AS error, abs(absolute / spend_mae - 1) < 1e-9 AS mae, abs(correlation - count_value_correlation) < 1e-9 AS correlation
FROM (SELECT count(*) AS customers, sum(actual) AS actual, sum(predicted) AS predicted, avg(abs(actual - predicted)) AS absolute, corr(x, value) AS correlation FROM spent) AS x,
	(SELECT s.* FROM shop_holdout, holdout_summary(v) AS s WHERE model = 'bg/nbd') AS s;
-- Where all amounts are the same there is no correlation: means differ by their rounding.
SELECT count(*) AS same_amounts, count(s.count_value_correlation) AS correlations FROM unnest(ARRAY[5, 9.99, 0.1, 1234.56]) AS amount CROSS JOIN LATERAL (
	SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v
	FROM (SELECT purchase_history(ordered_at, amount) AS h FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id) AS x
) AS x, holdout_summary(v) AS s;
-- Customers of whom the same is predicted have their mean rank.
SELECT abs(g.predicted / g.actual - normalized_gini) < 1e-9 AS gini
FROM (SELECT sum((2 * by_predicted - n - 1) * actual) AS predicted, sum((2 * by_actual - n - 1) * actual) AS actual
	FROM (SELECT actual, count(*) OVER () AS n, row_number() OVER (ORDER BY actual) AS by_actual,
			rank() OVER (ORDER BY round(predicted::numeric, 9)) + (count(*) OVER (PARTITION BY round(predicted::numeric, 9)) - 1) / 2.0 AS by_predicted FROM spent) AS r) AS g,
	(SELECT s.* FROM shop_holdout, holdout_summary(v) AS s WHERE model = 'bg/nbd') AS s;
-- Groups of equal size, of customers with equal predictions as many as fit.
SELECT abs(mape / decile_mape - 1) < 0.05 AS deciles
FROM (SELECT avg(error) AS mape FROM (SELECT abs(avg(predicted) / avg(actual) - 1) AS error FROM (SELECT *, ntile(10) OVER (ORDER BY predicted) AS decile FROM spent) AS d GROUP BY decile) AS e) AS m,
	(SELECT s.* FROM shop_holdout, holdout_summary(v) AS s WHERE model = 'bg/nbd') AS s;
-- Whose amounts are not known is not judged by them, and whose refunds leave no spend is
-- not given a value; refunds after the calibration count against what came.
SELECT customer_count, spend_customer_count, actual_spend
FROM (SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v FROM (SELECT h FROM shop WHERE customer_id > 2000
	UNION ALL SELECT purchase_history(d::date) FROM generate_series(date '2025-01-01', '2025-03-01', '20 days') AS d
	UNION ALL SELECT '{"orders": [["2025-01-01", 5], ["2025-02-01", 5], ["2025-02-02", -5], ["2025-09-01", 70]]}') AS x) AS v, holdout_summary(v);
SELECT a.spend_customer_count - b.spend_customer_count AS more, round((a.actual_spend - b.actual_spend)::numeric, 6) AS spend
FROM (SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v FROM (SELECT h FROM shop UNION ALL SELECT '{"orders": [["2025-01-01", 5], ["2025-02-01", 5], ["2025-09-01", -2.5]]}') AS x) AS w,
	holdout_summary(w.v) AS a, shop_holdout AS s, holdout_summary(s.v) AS b WHERE s.model = 'bg/nbd';
-- A holdout without amounts says nothing of them.
SELECT spend_customer_count, actual_spend, expected_spend, normalized_gini FROM (SELECT holdout(d, '2025-06-30', '2025-12-31', 'bg/nbd') AS v
	FROM (SELECT purchase_history(date '2025-01-01' + (i * j * 37) % 364) FROM generate_series(1, 200) AS i, generate_series(1, 5) AS j GROUP BY i) AS x(d)) AS y, holdout_summary(v);
-- Of more than 2^19 customers cells of spend are kept for some, and stand for the rest:
-- the same ones, however the parts are merged.
CREATE TABLE many AS
SELECT part, format('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd", "customers": [[0, 0, "2025-01-01", 0, 400000], [1, 9, "2025-01-0%s", 1, 4000]],
	"repeats": [["2025-01-1%s", 4000], ["2025-08-01", 4000]], "gaps": [[9, 4000]], "spend": [[0, 0, "2025-01-01", 0, 0, 400000], %s]}', part, part - 1,
	string_agg(format('[1, 9, "2025-01-0%s", %s, %s, 1]', part, 32700 + i, 32700 + (i * 7) % 300), ', ' ORDER BY i))::clv_holdout AS v
FROM generate_series(1, 3) AS part, generate_series(1, 400) AS i GROUP BY part;
SET client_min_messages = error;
SELECT merged, jsonb_array_length(v::jsonb -> 'spend') AS cells, v = (SELECT rollup(v) FROM many) AS same
FROM (SELECT 'one' AS merged, v FROM many WHERE part = 1 UNION ALL SELECT 'two', rollup(v) FROM many WHERE part < 3
	UNION ALL SELECT 'three', rollup(v) FROM (SELECT rollup(v) AS v FROM many GROUP BY part % 2) AS x) AS y;
SELECT spend_customer_count, customer_count FROM (SELECT rollup(v) AS v FROM many) AS x, holdout_summary(v);
RESET client_min_messages;

-- A holdout that goes on after the end of the data says so.
SELECT holdout(h, '2025-06-30', '2027-12-31', 'bg/nbd') IS NOT NULL AS made FROM shop;
SELECT holdout(h, '2026-06-30', '2026-12-31', 'bg/nbd') IS NOT NULL AS made FROM shop;

-- Without a model's name the best of them is taken, and says so.
SELECT v::jsonb ->> 'model' AS asked, v::jsonb #>> '{fit,model}' AS fitted, v = with_name AS same
FROM (SELECT holdout(h, '2025-06-30', '2025-12-31') AS v, holdout(h, '2025-06-30', '2025-12-31', 'auto') AS with_name FROM shop WHERE customer_id <= 500) AS x;

-- Customers acquired in the holdout are in the tracking only: who is compared by
-- customer was one before.
SELECT with_new.customer_count, with_new.actual_transactions, with_new = without_new AS same
FROM shop_holdout, holdout_summary(v) AS with_new,
	(SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v FROM shop WHERE first_order_on(h) <= '2025-06-30') AS old, holdout_summary(old.v) AS without_new
WHERE model = 'bg/nbd';

-- Parts merge: the shop's holdout is that of its shards, whatever the order of rows.
CREATE TABLE shards AS SELECT customer_id % 5 AS shard, holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd' ORDER BY customer_id % 97) AS v FROM shop GROUP BY 1;
SELECT rollup(s.v) = w.v AS same FROM shards AS s, shop_holdout AS w WHERE w.model = 'bg/nbd' GROUP BY w.v;
SELECT rollup(v) = v AS alone FROM shop_holdout GROUP BY v;
SELECT rollup(v) IS NULL AS of_nothing FROM shop_holdout WHERE false;
SELECT rollup(x.v) = w.v AS nulls FROM (SELECT NULL::clv_holdout AS v UNION ALL SELECT v FROM shards UNION ALL SELECT NULL) AS x, shop_holdout AS w
WHERE w.model = 'bg/nbd' GROUP BY w.v;
-- A running total, whose states are finished and gone on with.
SELECT DISTINCT customer_id / 1000 AS part, s.customer_count, v = (SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') FROM shop WHERE customer_id / 1000 <= x.customer_id / 1000) AS same
FROM (SELECT customer_id, holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') OVER (ORDER BY customer_id / 1000) AS v FROM shop) AS x,
	holdout_summary(v) AS s WHERE customer_id % 1000 = 999 ORDER BY 1;
-- Without an aggregate around it, merging gives a part: it has no model.
SELECT (part::jsonb) -> 'fit' AS fit, rollup(part) = (SELECT v FROM shop_holdout WHERE model = 'bg/nbd') AS same FROM (
	SELECT clv_holdout_merge(clv_holdout_merge(clv_holdout_merge(clv_holdout_merge(a.v, b.v), c.v), d.v), e.v) AS part
	FROM shards AS a, shards AS b, shards AS c, shards AS d, shards AS e
	WHERE (a.shard, b.shard, c.shard, d.shard, e.shard) = (4, 1, 0, 3, 2)) AS x GROUP BY part;

-- NULL and nothing.
SELECT holdout(NULL, '2025-06-30', '2025-12-31', 'bg/nbd') IS NULL AS no_histories, holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') FILTER (WHERE false) IS NULL AS no_rows FROM shop;
SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') = (SELECT v FROM holdouts) AS nulls_are_left_out FROM (SELECT h FROM histories UNION ALL SELECT NULL) AS x;
SELECT holdout_model(NULL), (holdout_summary(NULL)).*;
SELECT * FROM holdout_by_repeat_count(NULL);
SELECT * FROM holdout_by_repeat_count((SELECT v FROM holdouts), NULL);
SELECT * FROM holdout_tracking(NULL);

-- Text and binary forms are exact, of parts too.
SELECT bool_and(v::text::clv_holdout = v) AS text, bool_and(v::text = v::jsonb::text::clv_holdout::text) AS jsonb FROM (SELECT v FROM shop_holdout UNION ALL SELECT v FROM holdouts) AS x;
CREATE TABLE parts AS SELECT v FROM shop_holdout UNION ALL SELECT clv_holdout_merge(v, v) FROM holdouts;
\copy (SELECT v FROM parts) TO 'results/holdout.bin' WITH (FORMAT binary)
CREATE TABLE copies (v clv_holdout);
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
SELECT count(*) FROM parts JOIN copies USING (v);
-- A holdout written by hand: nothing but what is needed.
SELECT '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": []}'::clv_holdout;
-- The stored bytes are frozen: later versions must read them.
SELECT clv_holdout_hash_extended('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd",
	"customers": [[1, 5, "2025-01-05", 2, 3]], "acquired_later": [["2025-07-01", 4]], "repeats": [["2025-01-10", 3], ["2025-08-01", 8]], "gaps": [[5, 3]]}', 0) AS stored;
SELECT clv_holdout_send('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd",
	"customers": [[1, 5, "2025-01-05", 2, 3]], "acquired_later": [["2025-07-01", 4]], "repeats": [["2025-01-10", 3], ["2025-08-01", 8]], "gaps": [[5, 3]]}');

-- A group that cannot be fitted is NULL, and a notice says why.
\set VERBOSITY default
SELECT holdout(h, '2024-01-01', '2024-01-02', 'bg/nbd') FROM shop;
SELECT holdout(h, '2023-01-01', '2023-12-31') FROM shop;
SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') FROM histories WHERE customer_id = 1;

-- Wrong arguments.
SELECT holdout(h, '2025-06-30', '2025-12-31', 'bgnbd') FROM shop;
SELECT holdout(h, '2025-06-30', '2025-12-31', NULL) FROM shop;
SELECT holdout(h, NULL, '2025-12-31') FROM shop;
SELECT holdout(h, '2025-06-30', NULL) FROM shop;
SELECT holdout(h, '-infinity', '2025-12-31') FROM shop;
SELECT holdout(h, '2025-06-30', 'infinity') FROM shop;
SELECT holdout(h, '2025-06-30', '2025-06-30') FROM shop;
SELECT holdout(h, '2025-12-31', '2025-06-30') FROM shop;
-- All rows, and all parts, must ask for the same.
SELECT holdout(h, '2025-06-30', '2025-12-31', CASE WHEN customer_id % 2 = 0 THEN 'bg/nbd' ELSE 'auto' END) FROM shop;
SELECT holdout(h, '2025-06-30', date '2025-12-31' - (customer_id % 2)::int) FROM shop;
SELECT rollup(v) FROM shop_holdout;
SELECT rollup(v) FROM (SELECT v FROM holdouts UNION ALL SELECT holdout(h, '2025-07-01', '2025-12-31', 'bg/nbd') FROM shop) AS x;
SELECT holdout_by_repeat_count(v, -1) FROM holdouts;
SELECT holdout_by_repeat_count(v, 10001) FROM holdouts;
-- Parts have no model, and nothing to tell.
SELECT holdout_summary(clv_holdout_merge(v, v)) FROM holdouts;
SELECT holdout_model('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": []}');
-- A day that nobody believes.
SELECT count(*) FROM holdout_tracking((SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd')
	FROM (SELECT h FROM histories UNION ALL SELECT purchase_history(date '0025-01-01')) AS x));

-- Malformed text.
CREATE FUNCTION pg_temp.reads(changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	problem text;
BEGIN
	RETURN ('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd",
		"customers": [[1, 5, "2025-01-05", 2, 3]], "acquired_later": [["2025-07-01", 4]],
		"repeats": [["2025-01-10", 3], ["2025-08-01", 8]], "gaps": [[5, 3]]}'::jsonb || changes)::text::clv_holdout::text;
EXCEPTION WHEN invalid_text_representation THEN
	GET STACKED DIAGNOSTICS problem = PG_EXCEPTION_DETAIL;
	RETURN problem;
END
$$;
SELECT changes, pg_temp.reads(changes::jsonb) FROM (VALUES
	('{}'),
	('{"orders": 1}'),
	('{"model": null}'), ('{"model": 5}'), ('{"model": "bgnbd"}'), ('{"model": "bg/bb"}'),
	('{"calibration_until": null}'), ('{"calibration_until": "today"}'), ('{"calibration_until": "infinity"}'),
	('{"holdout_until": "2025-06-30"}'),
	('{"customers": null}'), ('{"customers": {}}'), ('{"customers": [5]}'), ('{"customers": [[1, 5, "2025-01-05", 2]]}'),
	('{"customers": [[16777216, 5, "2025-01-05", 2, 3]]}'), ('{"customers": [[1, 5, "2025-01-05", 2, 0]]}'),
	('{"customers": [[1, 5, "2025-01-05", 2, 1], [1, 5, "2025-01-05", 2, 2]]}'),
	('{"customers": [[1, 0, "2025-01-05", 2, 3]]}'), ('{"customers": [[0, 5, "2025-01-05", 2, 3]]}'),
	('{"customers": [[1, 5, "2025-06-26", 2, 3]]}'), ('{"customers": [[1, 5, "2025-01-05", 185, 3]]}'),
	('{"customers": [[1, 5, "2025-01-05", 2, 4]]}'), ('{"customers": [[1, 5, "2025-01-05", 3, 3]]}'),
	('{"customers": [[1, 5, "2025-01-05", 2, 9223372036854775807]]}'),
	('{"acquired_later": 5}'), ('{"acquired_later": [["2025-07-01"]]}'), ('{"acquired_later": [["2025-06-30", 4]]}'),
	('{"acquired_later": [["2026-01-01", 4]]}'), ('{"acquired_later": [["2025-07-01", -4]]}'), ('{"acquired_later": null}'),
	('{"repeats": [["2025-01-10", 3], ["2025-08-01", 5]]}'), ('{"repeats": [["2025-01-10", 4], ["2025-08-01", 8]]}'),
	('{"repeats": [["2025-01-05", 3], ["2025-08-01", 8]]}'), ('{"repeats": [["2025-01-10", 3], ["2026-08-01", 8]]}'),
	('{"repeats": [["2025-01-10", 3], ["2025-08-01", 4], ["2025-08-01", 4]]}'),
	('{"gaps": null}'), ('{"gaps": [[0, 3]]}'), ('{"gaps": [[5, 2]]}'), ('{"gaps": [["2025-07-01", 2]]}'),
	('{"spend": 5}'), ('{"spend": [[1, 5, "2025-01-05", 32800, 0]]}'), ('{"spend": [[1, 5, "2025-01-05", 32800, 0, 3]]}'),
	('{"spend": [[1, 5, "2025-01-05", 32800, 0, 4]]}'), ('{"spend": [[1, 5, "2025-01-05", 32800, 0, -3]]}'), ('{"spend": [[1, 5, "2025-01-05", 32800, 0, 0]]}'),
	('{"spend": [[1, 5, "2025-01-05", 65535, 0, 3]]}'), ('{"spend": [[1, 5, "2025-01-05", 32800, 65536, 3]]}'), ('{"spend": [[0, 0, "2025-01-05", 32800, 0, 3]]}'),
	('{"spend": [[1, 5, "2025-06-30", 32800, 0, 3]]}'), ('{"spend_before": [[1, 5, "2025-01-05", 32800, 0, 3]]}'),
	('{"spend": [[1, 5, "2025-01-05", 32800, 0, 3]], "spend_before": [[1, 5, "2025-01-05", 32800, 0, 1000000000000]]}'),
	('{"spend": [[1, 5, "2025-01-05", 32800, 0, 3]], "spend_after": [[1, 5, "2025-01-05", 32800, 0, 7]]}'),
	('{"spend": [[1, 5, "2025-01-05", 32800, 0, 3]], "spend_after": [[1, 5, "2025-01-05", 32800, 0, -7]]}'),
	('{"spend": [[1, 5, "2025-01-05", 0, 32800, 3]], "spend_before": [[1, 5, "2025-01-05", 0, 32800, -7]]}'),
	('{"fit": 5}'), ('{"fit": null}')) AS v(changes);
-- The model is one that fits the rest.
SELECT f, pg_temp.reads(('{"fit": ' || f || '}')::jsonb) FROM (VALUES
	('{"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'),
	('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'),
	('{"model": "bg/nbd", "as_of": "2025-06-29", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'),
	('{"model": "mbg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'),
	('{"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "covariates": ["web"], "coefficients": {"rate:web": 0.2, "dropout_a:web": 0.1, "dropout_b:web": 0}}'),
	('{"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3}}'),
	('{"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": -4}}')) AS v(f);

-- Crafted bytes: version, model, two days, length of the model, number of entries;
-- then entries of 24 bytes, a group, a detail and a number each.
CREATE TABLE bytes AS SELECT clv_holdout_send('{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd",
	"customers": [[1, 5, "2025-01-05", 2, 3]], "acquired_later": [["2025-07-01", 4]], "repeats": [["2025-01-10", 3], ["2025-08-01", 8]], "gaps": [[5, 3]]}') AS b,
	clv_model_send('{"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}') AS m;
TRUNCATE copies;
-- right, without a model and with one
\copy (SELECT b FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT substr(b, 1, 10) || int4send(length(m)) || m || substr(b, 15) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
SELECT v FROM copies;
-- another version
\copy (SELECT overlay(b PLACING '\x03' FROM 1) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- no such model
\copy (SELECT overlay(b PLACING '\xc8' FROM 2) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- an infinite day, and days the wrong way round
\copy (SELECT overlay(b PLACING '\x7fffffff' FROM 7) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\x0000251800002460' FROM 3) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- a model longer than the message, of a negative length, and with bytes that are not its own
\copy (SELECT overlay(b PLACING '\x00001000' FROM 11) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\xffffffff' FROM 11) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT substr(b, 1, 10) || int4send(length(m) + 1) || m || '\x00' || substr(b, 15) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- a model that cannot be
\copy (SELECT substr(b, 1, 10) || int4send(length(m)) || overlay(m PLACING '\xc8' FROM 2) || substr(b, 15) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- more entries than announced, and fewer
\copy (SELECT overlay(b PLACING '\x00000004' FROM 15) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\xffffffff' FROM 15) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- out of order
\copy (SELECT substr(b, 1, 66) || substr(b, 91, 24) || substr(b, 67, 24) || substr(b, 115) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- no such kind, and a day of customers that has an x
\copy (SELECT overlay(b PLACING '\x08' FROM 115) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\x01' FROM 46) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- nobody, fewer than nobody, and a repeat transaction before the calendar
\copy (SELECT overlay(b PLACING '\x0000000000000000' FROM 35) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\xffffffffffffffff' FROM 35) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
\copy (SELECT overlay(b PLACING '\x0000000000000000' FROM 75) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
-- a gap longer than any
\copy (SELECT overlay(b PLACING '\x0000000100000000' FROM 123) FROM bytes) TO 'results/holdout.bin' WITH (FORMAT binary)
\copy copies FROM 'results/holdout.bin' WITH (FORMAT binary)
SELECT count(*) FROM copies;

DROP TABLE orders, histories, holdouts, shop, shop_holdout, scored, spent, many, one_customer, shards, parts, copies, bytes;
