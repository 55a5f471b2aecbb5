-- period_audit, period_change and cohort_audit as values: merged, stored, sent,
-- compared; and what they do with what is missing, strange or wrong.
SET extra_float_digits = -3;
SET datestyle = ISO;

-- A thousand customers, some with cents, some with refunds only, some with amounts that are no decimals.
CREATE TEMP TABLE histories AS
SELECT id, purchase_history(date '2022-06-01' + (id * 7 + j * j * 13) % 1000, amount) AS history,
	purchase_history(date '2022-06-01' + (id * 7 + j * j * 13) % 1000, amount * 0.3 - 2) AS profit
FROM generate_series(1, 1000) AS id, generate_series(0, id % 6) AS j,
	LATERAL (SELECT CASE WHEN id % 50 = 0 THEN -5 WHEN id % 7 = 0 THEN round(j * 3.1 + id % 90, 2) ELSE (j * 10 + id % 20)::numeric END) AS a (amount)
GROUP BY id;
CREATE TEMP TABLE floats AS
SELECT id, purchase_history(day, amount / 3) AS history, purchase_history(day, amount / 7) AS profit
FROM histories, unnest(history) AS o (day, amount) GROUP BY id;

CREATE TEMP TABLE aggregates (type text, call text);
INSERT INTO aggregates VALUES
	('period_audit', 'period_audit(history, ''2023-01-01'', ''2024-01-01'')'),
	('period_audit', 'period_audit(history, ''2023-01-01'', ''2024-01-01'', profit)'),
	('period_audit', 'period_audit(order_count(history), total_spend(history))'),
	('period_audit', 'period_audit(order_count(history), total_spend(history), total_spend(profit))'),
	('period_change', 'period_change(history, ''2023-01-01'', ''2024-01-01'', ''2024-01-01'', ''2025-01-01'')'),
	('period_change', 'period_change(history, ''2023-01-01'', ''2024-01-01'', ''2024-01-01'', ''2025-01-01'', profit)'),
	('cohort_audit', 'cohort_audit(history, ''quarter'', ''2025-02-01'')'),
	('cohort_audit', 'cohort_audit(history, ''month'', ''2025-02-01'', profit)'),
	('cohort_audit', 'cohort_audit(history, ''year'', ''2025-02-01'', date ''2023-01-01'')'),
	('cohort_audit', 'cohort_audit(history, ''week'', ''2025-02-01'', date ''2023-01-01'', profit)');

-- The same rows in any order, in any split, merged in any way, give the same bytes.
CREATE FUNCTION pg_temp.check_value(type text, call text, source text, OUT reversed boolean, OUT split boolean, OUT merged boolean,
	OUT as_text boolean, OUT read_back boolean) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		WITH whole AS (SELECT %1$s AS v FROM %2$s), parts AS MATERIALIZED (SELECT id %% 13 AS n, %1$s AS v FROM %2$s GROUP BY 1)
		SELECT whole.v = (SELECT %1$s FROM (SELECT * FROM %2$s ORDER BY id DESC) AS r),
			whole.v = (SELECT rollup(v ORDER BY n DESC) FROM parts),
			(SELECT a.v || b.v || c.v = c.v || (b.v || a.v) FROM parts AS a, parts AS b, parts AS c WHERE a.n = 1 AND b.n = 2 AND c.n = 3),
			whole.v::text::%3$s = whole.v, whole.v::jsonb::text::%3$s = whole.v
		FROM whole$q$, call, source, type) INTO reversed, split, merged, as_text, read_back;
	EXECUTE format('INSERT INTO stored_%s SELECT %s FROM %s', type, call, source);
END $$;
CREATE TEMP TABLE stored_period_audit (v period_audit);
CREATE TEMP TABLE stored_period_change (v period_change);
CREATE TEMP TABLE stored_cohort_audit (v cohort_audit);
SELECT type, source, count(*) AS calls, bool_and(reversed) AS reversed, bool_and(split) AS split, bool_and(merged) AS merged,
	bool_and(as_text) AS as_text, bool_and(read_back) AS as_jsonb
FROM aggregates, unnest('{histories, floats}'::text[]) AS source, pg_temp.check_value(type, call, source) GROUP BY 1, 2 ORDER BY 1, 2;

-- Binary round trips.
CREATE TEMP TABLE copied_period_audit (LIKE stored_period_audit);
CREATE TEMP TABLE copied_period_change (LIKE stored_period_change);
CREATE TEMP TABLE copied_cohort_audit (LIKE stored_cohort_audit);
\copy stored_period_audit TO 'results/audit.bin' WITH (FORMAT binary)
\copy copied_period_audit FROM 'results/audit.bin' WITH (FORMAT binary)
\copy stored_period_change TO 'results/audit.bin' WITH (FORMAT binary)
\copy copied_period_change FROM 'results/audit.bin' WITH (FORMAT binary)
\copy stored_cohort_audit TO 'results/audit.bin' WITH (FORMAT binary)
\copy copied_cohort_audit FROM 'results/audit.bin' WITH (FORMAT binary)
SELECT (SELECT count(*) FROM (SELECT * FROM stored_period_audit INTERSECT SELECT * FROM copied_period_audit) AS x) AS audits,
	(SELECT count(*) FROM (SELECT * FROM stored_period_change INTERSECT SELECT * FROM copied_period_change) AS x) AS changes,
	(SELECT count(*) FROM (SELECT * FROM stored_cohort_audit INTERSECT SELECT * FROM copied_cohort_audit) AS x) AS cohorts;

-- Sums are exact: a billion and a hundredth, a hundred times, and back.
SELECT spend FROM audit_summary((SELECT period_audit(1, a) FROM (VALUES (1e9 + 0.01), (-1e9)) AS v (a), generate_series(1, 100)));
CREATE TEMP TABLE wide AS
SELECT i, purchase_history(date '2024-01-01', 0::float8) || purchase_history(date '2024-01-02', a) AS history
FROM unnest('{1e300, 1e-7, -1e300, 0.1, 1e15}'::float8[]) WITH ORDINALITY AS v (a, i) GROUP BY i;
SELECT spend = 1000000000000000.1000001 AS exact FROM cohort_table((SELECT cohort_audit(history, 'year', '2025-01-01') FROM wide));

-- Against plain SQL, with many rows: nearly all different, and nearly all the same.
CREATE TEMP TABLE many AS
SELECT id, day, amount FROM generate_series(1, 12000) AS id, generate_series(0, id % 4) AS j,
	LATERAL (SELECT date '2024-01-01' + (id * 31 + j * 17) % 700, (CASE WHEN id % 3 = 0 THEN 10 ELSE (id * 7919 + j * 104729) % 100003 / 100.0 END)::numeric) AS o (day, amount);
CREATE TEMP TABLE many_histories AS SELECT id, purchase_history(day, amount) AS history FROM many GROUP BY id;
WITH sums AS (SELECT id, count(*) AS orders, sum(amount) AS spend FROM many WHERE day >= '2024-06-01' AND day < '2025-06-01' GROUP BY id),
	ranked AS (SELECT *, ntile(10) OVER (ORDER BY spend DESC, orders DESC) AS tile, row_number() OVER (ORDER BY spend) AS i, count(*) OVER () AS n FROM sums),
	audit AS (SELECT period_audit(history, '2024-06-01', '2025-06-01') AS a FROM many_histories)
SELECT (SELECT bool_and(t.customers = s.customers AND t.orders = s.orders AND t.spend::numeric = s.spend) AND count(*) = 10
		FROM audit, audit_tiles(a) AS t JOIN (SELECT tile, count(*) AS customers, sum(orders) AS orders, sum(spend) AS spend FROM ranked GROUP BY tile) AS s USING (tile)) AS tiles,
	(SELECT abs(gini_spend - (SELECT sum((2 * i - n - 1) * spend) / (max(n) * sum(spend)) FROM ranked)) <= 1e-14 FROM audit, audit_summary(a)) AS gini,
	(SELECT median_spend = (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY spend::float8) FROM sums) FROM audit, audit_summary(a)) AS median;
WITH change AS (SELECT period_change(history, '2024-01-01', '2025-01-01', '2025-01-01', '2026-01-01') AS c FROM many_histories),
	sums AS (SELECT id, coalesce(sum(amount) FILTER (WHERE day < '2025-01-01'), 0) AS before, coalesce(sum(amount) FILTER (WHERE day >= '2025-01-01'), 0) AS after,
		count(*) FILTER (WHERE day < '2025-01-01') AS n, count(*) FILTER (WHERE day >= '2025-01-01') AS m FROM many GROUP BY id)
SELECT bool_and(g.customers = s.customers AND spend_1::numeric = s.before AND spend_2::numeric = s.after) AS groups, count(*)
FROM change, change_groups(c) AS g JOIN (SELECT CASE WHEN m = 0 THEN 'lapsed' WHEN n = 0 THEN 'new' ELSE 'both' END AS group_name, count(*) AS customers,
	sum(before) AS before, sum(after) AS after FROM sums GROUP BY 1) AS s USING (group_name);
WITH cells AS (SELECT f.cohort, date_trunc('month', day)::date AS period_start, count(DISTINCT id) AS active, count(*) AS orders, sum(amount) AS spend
	FROM many JOIN (SELECT id, date_trunc('month', min(day))::date AS cohort FROM many GROUP BY id) AS f USING (id) GROUP BY 1, 2)
SELECT count(*) FILTER (WHERE (t.active, t.orders, t.spend::numeric) IS DISTINCT FROM (coalesce(s.active, 0), coalesce(s.orders, 0), coalesce(s.spend, 0))) AS wrong, count(s) = (SELECT count(*) FROM cells) AS "all"
FROM cohort_table((SELECT cohort_audit(history, 'month', '2025-12-01') FROM many_histories)) AS t LEFT JOIN cells AS s ON s.cohort = t.cohort_start AND s.period_start = t.period_start;

-- Refunds lower spend. Who has nothing but refunds in a period is no customer of it; their money is told apart.
CREATE TEMP TABLE refunds AS SELECT purchase_history(day, amount) AS history
FROM (VALUES (1, date '2023-12-20', 100), (1, '2024-01-03', -100), (2, '2024-02-01', 50), (2, '2024-02-10', -20)) AS o (id, day, amount) GROUP BY id;
SELECT customers, orders, spend, refund_only_customers, refund_only_spend
FROM audit_summary((SELECT period_audit(history, '2024-01-01', '2025-01-01') FROM refunds));
SELECT group_name, customers, spend_1, spend_2 FROM change_groups((SELECT period_change(history, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01') FROM refunds));
SELECT * FROM change_bridge((SELECT period_change(history, '2023-01-01', '2023-06-01', '2024-01-01', '2024-02-01') FROM refunds));
SELECT cohort, period_start, active, orders, spend FROM cohort_table((SELECT cohort_audit(history, 'year', '2025-01-01') FROM refunds));

-- Money of a period before the customer's first order, of what they ordered before the data begin, is in no cohort, and in the period where it happened.
CREATE TEMP TABLE early AS SELECT purchase_history(day, amount) AS history, purchase_history(day, amount / 4) AS profit
FROM (VALUES (1, date '2023-11-20', -30), (1, '2024-02-03', 100), (1, '2024-03-01', -10), (2, '2024-02-20', -5), (2, '2024-02-25', 50), (3, '2024-02-02', -7), (3, '2024-04-30', -1)) AS o (id, day, amount) GROUP BY id;
CREATE TEMP TABLE early_cohorts AS SELECT cohort_audit(history, 'month', '2024-05-01') AS v, cohort_audit(history, 'month', '2024-05-01', profit) AS of_profit, cohort_audit(history, 'month', '2024-05-01', date '2024-02-01') AS since FROM early;
SELECT cohort, cohort_start, cohort_size, period_start, age, active, orders, spend, profit FROM early_cohorts, cohort_table(of_profit) WHERE spend <> 0;
SELECT period_start, active, new, spend, share_spend_new FROM early_cohorts, base_health(v);
SELECT cohort, period_start, active, spend FROM early_cohorts, cohort_table(since) WHERE spend <> 0;
-- The spend of a period is that of the ledger.
SELECT bool_and(b.spend = (SELECT sum(spend_between(history, b.period_start, (b.period_start + interval '1 month')::date)) FROM early)) AS same FROM early_cohorts, base_health(v) AS b;
SELECT v, v::text::cohort_audit::text = v::text AS text, (SELECT rollup(x)::text FROM (SELECT cohort_audit(history, 'month', '2024-05-01') AS x FROM early GROUP BY history::text) AS y) = v::text AS merged FROM early_cohorts;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["no order", 1]], "active": [["no order", "2024-01-01", 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "since": "2024-01-01", "profit": false, "customers": [["no order", 1]], "spend": [["no order", "2023-01-01", 0, -1]]}'::cohort_audit;
SELECT refund_only_spend, refund_only_profit FROM audit_summary((SELECT period_audit(history, '2024-01-01', '2025-01-01', profit) FROM early));
-- Nothing but such money.
SELECT cohort, period_start, active, spend FROM cohort_table((SELECT cohort_audit(history, 'month', '2024-05-01') FROM early WHERE order_count(history) = 0)) WHERE spend <> 0;
SELECT period_start, active, spend, repeat_buying_rate FROM base_health((SELECT cohort_audit(history, 'month', '2024-05-01') FROM early WHERE order_count(history) = 0));

-- Amounts that are not known: of an audit such customers are left out, and counted; in a cohort table the money of their cells is not known.
CREATE TEMP TABLE unknown AS
SELECT purchase_history(date '2024-05-01') AS history, NULL::purchase_history AS profit UNION ALL SELECT '{"orders": [["2024-05-01", 10]]}', '{"orders": [["2024-05-01", 4]]}';
SELECT customers, spend, customers_left_out FROM audit_summary((SELECT period_audit(history, '2024-01-01', '2025-01-01') FROM unknown));
SELECT customers, spend, profit, customers_left_out FROM audit_summary((SELECT period_audit(history, '2024-01-01', '2025-01-01', profit) FROM unknown));
SELECT customers, customers_left_out FROM audit_summary((SELECT period_audit(n, s) FROM (VALUES (1, 1.5), (NULL, 2), (3, NULL)) AS v (n, s)));
SELECT cohort, active, orders, spend, profit FROM cohort_table((SELECT cohort_audit(history, 'year', '2025-01-01', profit) FROM unknown));
SELECT active, spend, share_spend_new FROM base_health((SELECT cohort_audit(history, 'year', '2025-01-01', profit) FROM unknown));
-- No profit, no profit columns.
SELECT profit, margin, mean_profit, median_profit, unprofitable_share, gini_profit FROM audit_summary((SELECT period_audit(1, 10)));
SELECT profit, orders, margin, customers FROM change_directions((SELECT period_change(history, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01') FROM histories)) LIMIT 1;

-- Nothing at all: NULL. An empty period: no customers, and no ratios.
SELECT period_audit(history, '2024-01-01', '2025-01-01') IS NULL AS audit, cohort_audit(history, 'year', '2025-01-01') IS NULL AS cohorts,
	period_change(history, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01') IS NULL AS change FROM refunds WHERE false;
SELECT rollup(v) FROM (VALUES (NULL::period_audit)) AS n (v);
CREATE TEMP TABLE empty AS SELECT period_audit(history, '2030-01-01', '2031-01-01') AS audit,
	period_change(history, '2030-01-01', '2031-01-01', '2031-01-01', '2032-01-01') AS change, cohort_audit(history, 'year', '2020-01-01') AS cohorts FROM refunds;
SELECT * FROM empty;
\x
SELECT s.* FROM empty, audit_summary(audit) AS s;
\x
SELECT count(t) AS tiles, count(l) AS points, count(top_share(audit)) AS shares FROM empty LEFT JOIN audit_tiles(audit) AS t ON true LEFT JOIN lorenz_curve(audit) AS l ON true;
SELECT d.* FROM empty, change_drivers(change) AS d;
SELECT b.* FROM empty, change_bridge(change) AS b;
SELECT sum(t.customers) AS customers, count(*) FROM empty, change_tiles(change) AS t;
SELECT count(c) AS cells, count(b) AS periods FROM empty LEFT JOIN cohort_table(cohorts) AS c ON true LEFT JOIN base_health(cohorts) AS b ON true;
-- One customer.
SELECT customers, gini_spend, median_spend, below_mean_share FROM audit_summary((SELECT period_audit(3, 30)));
-- Losses: a Gini coefficient of what may be negative, and none of a total that is not positive.
SELECT gini_spend, gini_profit, margin FROM audit_summary((SELECT period_audit(1, 10, p) FROM unnest('{100, -90, 1}'::float8[]) AS p));
SELECT gini_profit, margin, top_share(a, 0.5, 'profit') FROM (SELECT period_audit(1, 10, p) FROM unnest('{10, -10}'::float8[]) AS p) AS x (a), audit_summary(a);

-- What is wrong is said.
SELECT period_audit(history, '2025-01-01', '2025-01-01') FROM refunds;
SELECT period_audit(history, NULL, '2025-01-01') FROM refunds;
SELECT period_audit(history, '-infinity', '2025-01-01') FROM refunds;
SELECT period_audit(history, '2024-01-01', d) FROM refunds, unnest('{2025-01-01, 2026-01-01}'::date[]) AS d;
SELECT period_audit(1, 'NaN');
SELECT period_audit(1, 5, 'Infinity');
SELECT period_audit(-1, 5);
SELECT period_audit(1, 5) || period_audit(1, 5, 5);
SELECT period_audit(1, 5) || (SELECT period_audit(history, '2024-01-01', '2025-01-01') FROM refunds);
SELECT period_change(history, '2023-01-01', '2024-02-01', '2024-01-01', '2025-01-01') FROM refunds;
SELECT period_change(history, '2024-01-01', '2025-01-01', '2023-01-01', '2024-01-01') FROM refunds;
SELECT period_change(history, '2023-01-01', '2024-01-01', '2024-01-01', '2024-01-01') FROM refunds;
SELECT cohort_audit(history, 'decade', '2025-01-01') FROM refunds;
SELECT cohort_audit(history, 'day', '2025-01-01') FROM refunds;
SELECT cohort_audit(history, NULL, '2025-01-01') FROM refunds;
SELECT cohort_audit(history, 'year', 'infinity') FROM refunds;
SELECT cohort_audit(history, 'year', '2025-01-01', date '2025-01-01') FROM refunds;
SELECT cohort_audit(history, g, '2025-01-01') FROM refunds, unnest('{year, month}'::text[]) AS g;
SELECT audit_tiles(audit, tiles => 1) FROM empty;
SELECT audit_tiles(audit, 'frequency') FROM empty;
SELECT audit_tiles(audit, 'profit') FROM empty;
SELECT audit_tiles(audit, equal => 'size') FROM empty;
SELECT audit_distribution(audit, 'spend', 0) FROM empty;
SELECT audit_distribution(audit, 'recency', 1) FROM empty;
SELECT audit_distribution(audit, 'margin', 1) FROM empty;
SELECT lorenz_curve(audit, points => 0) FROM empty;
SELECT top_share(audit, 20) FROM empty;
SELECT change_drivers(change, 'profit') FROM empty;
SELECT change_tiles(change, tiles => 101) FROM empty;
SELECT change_tiles(change, cuts => '{}') FROM empty;
SELECT change_tiles(change, cuts => '{1, NULL}') FROM empty;
SELECT change_tiles(change, cuts => '{1, 2, 1}') FROM empty;
SELECT * FROM change_tiles(NULL);
-- A history with a wrong day does not make a table of millions of rows.
SELECT count(*) FROM cohort_table((SELECT cohort_audit(purchase_history, 'week', '5000-01-01') FROM (SELECT purchase_history(date '0001-01-01' + i * 7, 1) FROM generate_series(1, 100) AS i GROUP BY i) AS h));

-- Broken text is refused, by name.
SELECT '[]'::period_audit;
SELECT '{}'::period_audit;
SELECT '{"profit": true}'::period_audit;
SELECT '{"profit": true, "customers": [], "more": 1}'::period_audit;
SELECT '{"profit": true, "since": "2024-01-01", "customers": []}'::period_audit;
SELECT '{"profit": true, "since": "2024-01-01", "until": "2024-01-01", "customers": []}'::period_audit;
SELECT '{"profit": true, "customers": [[1, 2, 3]]}'::period_audit;
SELECT '{"profit": true, "customers": [[-1, 2, 3, 1]]}'::period_audit;
SELECT '{"profit": true, "customers": [[1, "2", 3, 1]]}'::period_audit;
SELECT '{"profit": false, "customers": [[1, 2, 3, 1]]}'::period_audit;
SELECT '{"profit": true, "customers": [[0, 0, 0, 1]]}'::period_audit;
SELECT '{"profit": true, "customers": [[1, 2, 3, 0]]}'::period_audit;
SELECT '{"profit": true, "customers": [[1, 2, 3, 9007199254740992], [1, 2, 3, 1]]}'::period_audit;
SELECT '{"profit": true, "left_out": -1, "customers": []}'::period_audit;
SELECT '{"profit": false, "customers": [[1, 2, 0, 1, 2, 0, 1, 1]]}'::period_change;
SELECT '{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2023-12-31", "until_2": "2025-01-01", "profit": false, "customers": []}'::period_change;
SELECT '{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": false, "customers": [[1, 2, 0, 1, 2, 0, 0, 1]]}'::period_change;
SELECT '{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": false, "customers": [[1, 2, 0, 1, 2, 0, 2, 1]]}'::period_change;
SELECT '{"grain": "day", "until": "2025-01-01", "profit": false, "customers": []}'::cohort_audit;
SELECT '{"grain": "year", "until": "infinity", "profit": false, "customers": []}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-02-01", 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2025-01-01", 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [[null, 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1], ["2024-01-01", 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1]], "active": [["2024-01-01", "2024-01-01", 2]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1]], "orders": [["2024-01-01", "2024-01-01", 2]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1]], "active": [["2024-01-01", "2023-01-01", 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1]], "spend": [["2024-01-01", "2024-01-01", 68, 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2024-01-01", 1]], "profit_amounts": [["2024-01-01", "2024-01-01", 0, 1]]}'::cohort_audit;
SELECT '{"grain": "year", "until": "2025-01-01", "since": "2025-01-01", "profit": false, "customers": []}'::cohort_audit;
-- Elements in any order, the same one twice, zeros behind the point: the same value.
SELECT '{"customers": [[2, 20.50, 0, 1], [1, 10, 0, 2], [2, 20.5, 0, 3]], "profit": false}'::period_audit;
