-- The five lenses of The Customer-Base Audit (Fader, Hardie & Ross 2022), on
-- eight customers whose numbers can be followed by hand.
SET extra_float_digits = -3;
SET datestyle = ISO;

CREATE TEMP TABLE orders (customer_id int, ordered_on date, amount numeric, profit numeric);
INSERT INTO orders VALUES
	(1, '2023-01-10', 100, 40), (1, '2023-04-10', 120, 50), (1, '2024-02-01', 80, 30), (1, '2024-09-15', 100, 45),
	(2, '2023-02-05', 50, 20), (2, '2024-03-05', 60, 20),
	(3, '2023-03-20', 200, 90),
	(4, '2023-07-01', 30, 10), (4, '2023-08-01', 30, 10), (4, '2023-09-01', 40, 15), (4, '2024-07-01', 30, 5), (4, '2024-08-15', 20, 5),
	(5, '2024-01-15', 150, 70),
	(6, '2024-05-05', 40, 15), (6, '2024-06-05', 45, 15), (6, '2024-12-24', 60, 25),
	(7, '2022-11-11', 75, 30), (7, '2024-11-11', 90, 35),
	(8, '2023-12-30', 10, -5), (8, '2024-01-02', 25, 5);

-- Profit is a second history, whose amounts are profit.
CREATE TEMP TABLE histories AS
SELECT customer_id, purchase_history(ordered_on, amount) AS history, purchase_history(ordered_on, profit) AS profit
FROM orders GROUP BY customer_id;

CREATE TEMP VIEW audits AS
SELECT year, period_audit(history, make_date(year, 1, 1), make_date(year + 1, 1, 1), profit) AS audit
FROM histories, generate_series(2023, 2024) AS year GROUP BY year;

-- Lens 1: one period. Ratios are ratios of totals, never means of ratios.
SELECT year, customers, orders, spend, profit, aof, aov, margin FROM audits, audit_summary(audit) ORDER BY year;
SELECT year, gini_orders, gini_spend, gini_profit FROM audits, audit_summary(audit) ORDER BY year;
SELECT year, mean_spend, median_spend, mean_profit, median_profit, mean_customer_aov FROM audits, audit_summary(audit) ORDER BY year;
SELECT year, below_mean_share, one_order_share, unprofitable_share, refund_only_customers, refund_only_spend, customers_left_out
FROM audits, audit_summary(audit) ORDER BY year;
SELECT top_share(audit), top_share(audit, 1), top_share(audit, 0), top_share(audit, 0.2, 'profit'), top_share(audit, 0.5, 'orders')
FROM audits WHERE year = 2024;

-- Tiles of equally many customers: of seven, the first three of four get one more.
SELECT tile, customers, orders, spend, profit, share_customers, share_spend, low_value, high_value
FROM audits, audit_tiles(audit, tiles => 4) WHERE year = 2024;
SELECT tile, customers, orders, aof, aov, margin, low_value, high_value FROM audits, audit_tiles(audit, 'orders', 3) WHERE year = 2024;
-- Tiles of equal value: each ends with the customer who reaches its share of the total; the last takes the rest.
SELECT tile, customers, spend, share_spend, low_value, high_value FROM audits, audit_tiles(audit, 'spend', 3, 'value') WHERE year = 2024;
-- One customer may pass several boundaries: the tiles between stay empty.
SELECT tile, customers, spend, low_value
FROM (SELECT period_audit(1, spend) FROM unnest('{90, 5, 5}'::float8[]) AS spend) AS a (audit), audit_tiles(audit, tiles => 4, equal => 'value');
-- With losses the running sum passes the total early, and the last tile takes the rest.
SELECT tile, customers, profit
FROM (SELECT period_audit(1, 100, profit) FROM unnest('{60, 50, 10, -20}'::float8[]) AS profit) AS a (audit), audit_tiles(audit, 'profit', 2, 'value');
-- A loss in all has no shares: they would have the wrong sign.
SELECT tile, customers, profit, share_spend, share_profit
FROM (SELECT period_audit(1, 100, profit) FROM unnest('{10, 10, -12, -12}'::float8[]) AS profit) AS a (audit), audit_tiles(audit, 'profit', 2);
-- Identical customers may be parted; customers equal in one measure are ordered by the others.
SELECT tile, customers, orders, spend, profit FROM (SELECT period_audit(n, 100, p) FROM (VALUES (1, 10), (1, 10), (1, 10), (2, 10), (3, 20)) AS v (n, p)) AS a (audit),
	audit_tiles(audit, 'spend', 5);
SELECT tile, customers FROM (SELECT period_audit(1, 10) FROM generate_series(1, 23)) AS a (audit), audit_tiles(audit, tiles => 5);
-- More tiles than customers: those without any have no ratios.
SELECT tile, customers, spend, aov, low_value FROM audits, audit_tiles(audit, tiles => 8) WHERE year = 2024 AND tile > 6;

SELECT low_value, high_value, customers, share_customers FROM audits, audit_distribution(audit, 'spend', 50) WHERE year = 2024;
SELECT low_value, high_value, customers FROM audits, audit_distribution(audit, 'orders', 1) WHERE year = 2024;
SELECT low_value, high_value, customers FROM audits, audit_distribution(audit, 'aov', 25) WHERE year = 2024;
SELECT low_value, high_value, customers FROM audits, audit_distribution(audit, 'margin', 0.1) WHERE year = 2024;
-- (a value on a boundary is in the bin above it, whatever rounding makes of 0.3 / 0.1)
SELECT low_value, customers FROM (SELECT period_audit(1, spend) FROM unnest('{0.1, 0.2, 0.3, 0.6, 0.7}'::float8[]) AS spend) AS a (audit), audit_distribution(audit, 'spend', 0.1);
SELECT share_customers, share_value FROM audits, lorenz_curve(audit, 'spend', 7) WHERE year = 2024;
-- The area between the curve and equality is half the Gini coefficient.
SELECT abs(1 - sum(a.share_value + b.share_value) / 7 - gini_spend) <= 1e-15
FROM audits, audit_summary(audit), lorenz_curve(audit, 'spend', 7) WITH ORDINALITY AS a (c, share_value, n),
	lorenz_curve(audit, 'spend', 7) WITH ORDINALITY AS b (c, share_value, n)
WHERE year = 2024 AND b.n = a.n + 1 GROUP BY gini_spend;

-- The same from a table of customers.
SELECT customers, orders, spend, profit, gini_profit
FROM (SELECT period_audit(n, s, p) FROM (SELECT count(*), sum(amount), sum(profit) FROM orders WHERE ordered_on >= '2024-01-01' GROUP BY customer_id) AS c (n, s, p)) AS a (audit),
	audit_summary(audit);

-- Lens 2: two periods.
CREATE TEMP VIEW changes AS
SELECT period_change(history, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01', profit) AS change FROM histories;
SELECT group_name, customers, orders_1, spend_1, profit_1, orders_2, spend_2, profit_2 FROM changes, change_groups(change);
SELECT group_name, aof_1, aov_1, margin_1, aof_2, aov_2, margin_2 FROM changes, change_groups(change);
SELECT b.* FROM changes, change_bridge(change) AS b;
SELECT d.* FROM changes, change_directions(change) AS d;
SELECT driver, value_1, value_2, round(contribution::numeric, 8) AS contribution FROM changes, change_drivers(change, 'profit');
-- Contributions add up to the change.
SELECT m, abs(sum(contribution) - max(total)) <= 1e-12 AS exact
FROM changes, (VALUES ('orders', 3), ('spend', 120), ('profit', 40)) AS v (m, total), change_drivers(change, m) GROUP BY m ORDER BY m;
-- The drivers are those of the summaries of both periods, also where customers have nothing but refunds in one; those are a driver of their own.
CREATE TEMP TABLE returned AS
SELECT purchase_history(d, a) AS h, purchase_history(d, a * 0.4) AS p
FROM (SELECT c, date '2023-01-01' + (c * 131 + i * 97) % 730 AS d, CASE WHEN (c + i) % 6 = 0 THEN -3.1 ELSE 5.3 + c % 7 END AS a FROM generate_series(1, 60) AS c, generate_series(1, 4) AS i) AS o GROUP BY c;
CREATE TEMP TABLE returned_audits AS
SELECT n, s.* FROM (SELECT n, period_audit(h, since, since + 365, p) AS audit FROM returned, (VALUES (1, date '2023-01-01'), (2, '2024-01-01')) AS v(n, since) GROUP BY n) AS a, audit_summary(audit) AS s;
CREATE TEMP TABLE returned_change AS SELECT period_change(h, '2023-01-01', '2024-01-01', '2024-01-01', '2024-12-31', p) AS change FROM returned;
SELECT driver, value_1 = first AS first_agrees, value_2 = second AS second_agrees
FROM returned_change, change_drivers(change, 'profit') JOIN (SELECT v.driver, max(v.value) FILTER (WHERE n = 1) AS first, max(v.value) FILTER (WHERE n = 2) AS second
	FROM returned_audits, LATERAL (VALUES ('customers', customers::float8), ('aof', aof), ('aov', aov), ('margin', margin), ('refunds only', refund_only_profit)) AS v(driver, value) GROUP BY v.driver) AS x USING (driver);
SELECT of, count(*) AS drivers, abs(sum(contribution) - (CASE of WHEN 'spend' THEN max(b.spend) ELSE max(b.profit) END)) <= 1e-9 AS exact
FROM returned_change, unnest('{spend,profit}'::text[]) AS of, change_drivers(change, of),
	(SELECT p2.spend - p1.spend AS spend, p2.profit - p1.profit AS profit FROM returned_change AS r, change_bridge(r.change) AS p1, change_bridge(r.change) AS p2 WHERE p1.step = 'period 1' AND p2.step = 'period 2') AS b GROUP BY of ORDER BY of;
SELECT string_agg(driver, ', ') AS drivers FROM returned_change, change_drivers(change, 'orders');
SELECT t.* FROM changes, change_tiles(change, tiles => 2) AS t;
SELECT tile_1, tile_2, customers FROM changes, change_tiles(change, 'profit', cuts => '{30, 60}') AS t WHERE customers > 0;
-- Equal totals: P · ln(f₁ / f₀). No positive total: NULL.
SELECT driver, value_1, value_2, contribution FROM change_drivers((
	SELECT period_change(h, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01')
	FROM (SELECT purchase_history(d, a) FROM (VALUES (1, date '2023-05-01', 30), (1, '2023-06-01', 30), (2, '2024-05-01', 60)) AS o (id, d, a) GROUP BY id) AS c (h)));
SELECT driver, value_1, value_2, contribution FROM change_drivers((
	SELECT period_change(h, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01', h)
	FROM (SELECT purchase_history(d, a) FROM (VALUES (1, date '2023-05-01', 30), (2, '2024-05-01', 0)) AS o (id, d, a) GROUP BY id) AS c (h)), 'profit');
-- Without spend a margin is undefined: a row of its own.
SELECT d.* FROM change_directions((
	SELECT period_change(h, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01', h)
	FROM (SELECT purchase_history(d, a) FROM (VALUES (1, date '2023-05-01', 30), (1, '2024-05-01', 0), (2, '2023-05-01', 30), (2, '2024-05-01', 20)) AS o (id, d, a) GROUP BY id) AS c (h))) AS d;
-- Ratios are compared exactly, whatever rounding makes of 0.3 / 3.
SELECT orders, aov, margin FROM change_directions((
	SELECT period_change(h, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01', p)
	FROM (SELECT purchase_history(d, 0.1), purchase_history(d, 0.03)
		FROM unnest('{2023-05-01, 2024-05-01, 2024-06-01, 2024-07-01}'::date[]) AS d) AS c (h, p)));
-- A first order in the gap between the periods makes reactivated, not new.
SELECT group_name, customers FROM change_groups((
	SELECT period_change(purchase_history, '2023-01-01', '2023-07-01', '2024-01-01', '2025-01-01')
	FROM (SELECT purchase_history(d, 1) FROM (VALUES (1, date '2023-09-01'), (1, '2024-02-01'), (2, '2024-02-01')) AS o (id, d) GROUP BY id) AS c)) WHERE customers > 0;

-- Lenses 3 to 5: cohorts.
CREATE TEMP VIEW years AS SELECT cohort_audit(history, 'year', '2025-01-01', profit) AS audit FROM histories;
SELECT cohort, cohort_size, period_start, age, active, share_active, orders, spend, profit FROM years, cohort_table(audit);
SELECT cohort, period_start, also_active_before, second_order_customers, complete FROM years, cohort_table(audit);
SELECT b.* FROM years, base_health(audit) AS b;
-- Customers who came before the data begin are a cohort of unknown size.
SELECT cohort, cohort_start, cohort_size, period_start, age, active, spend, also_active_before
FROM cohort_table((SELECT cohort_audit(history, 'year', '2025-01-01', date '2023-01-01') FROM histories));
SELECT * FROM base_health((SELECT cohort_audit(history, 'year', '2025-01-01', date '2023-01-01') FROM histories));
-- Periods that are not fully in the data are NULL, not 0.
SELECT cohort, cohort_size, period_start, active, spend, complete
FROM cohort_table((SELECT cohort_audit(history, 'year', '2024-09-01', date '2022-12-01') FROM histories));
SELECT period_start, active, new, kept, lapsed, repeat_buying_rate, share_spend_new, complete
FROM base_health((SELECT cohort_audit(history, 'year', '2024-09-01', date '2022-12-01') FROM histories));
-- Every grain.
SELECT grain, count(*), sum(active) AS active, sum(orders) AS orders, sum(spend) AS spend, sum(profit) AS profit,
	sum(second_order_customers) AS second, min(cohort), max(cohort), max(age)
FROM unnest('{week, month, quarter, year}'::text[]) AS grain,
	LATERAL (SELECT cohort_audit(history, grain, '2025-01-06', profit) FROM histories) AS a (audit), cohort_table(audit)
WHERE period_start <= '2024-12-31' GROUP BY grain ORDER BY grain;

-- Time to the second order is censored: Kaplan–Meier.
SELECT period AS day, at_risk, ended, survival FROM kaplan_meier((
	SELECT retention_base(first_order_on(history), first_order_on(history) + days_to_nth_order(history, 2), '2025-01-01', '1 day')
	FROM histories));
