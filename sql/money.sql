-- Amounts as a person reads them: numeric, exact, and rounded.

CREATE TABLE purchases AS
SELECT n % 40 AS customer, date '2025-01-01' + n % 90 AS day,
	CASE n % 40 % 4 WHEN 0 THEN (n * 7919 % 10000)::numeric / 100 WHEN 1 THEN (n * 7919 % 1000)::numeric / 10
		WHEN 2 THEN (n * 104729 % 10000000)::numeric / 1000000 ELSE (n % 7) * 1e9 + 0.01 * (n % 100) END
		* CASE WHEN n % 11 = 0 THEN -1 ELSE 1 END AS amount
FROM generate_series(1, 2000) AS n;
CREATE TABLE histories AS SELECT customer, purchase_history(day, amount) AS h FROM purchases GROUP BY customer;

-- What numeric says of the purchases, it says of the histories, whatever form they keep the amounts in.
SELECT count(*), count(*) FILTER (WHERE total_spend(h, 2) IS DISTINCT FROM round(total, 2) OR total_spend(h, 8) IS DISTINCT FROM round(total, 8)) AS total,
	count(*) FILTER (WHERE avg_order_value(h, 2) IS DISTINCT FROM round(round(total, 60) / orders, 2)) AS avg,
	count(*) FILTER (WHERE spend_between(h, '2025-01-10', '2025-02-10', 4) IS DISTINCT FROM round(coalesce(month, 0), 4)) AS month,
	count(*) FILTER (WHERE abs(total_spend(h) - total_spend(h, 6)::float8) <= 1e-6 * abs(total_spend(h))) AS near_float8
FROM (SELECT customer, sum(amount) AS total, count(*) FILTER (WHERE amount >= 0) AS orders,
		sum(amount) FILTER (WHERE day >= '2025-01-10' AND day < '2025-02-10') AS month FROM purchases GROUP BY customer) AS x JOIN histories USING (customer);
SELECT sum(total_spend(h, 6)) = (SELECT sum(amount) FROM purchases) AS exact_sum FROM histories;
SELECT total_spend(h, 2), avg_order_value(h, 2), avg_order_value(h, 0), spend_between(h, '-infinity', 'infinity', 2), spend_between(h, '2026-01-01', '2026-02-01', 2)
FROM (VALUES ('{"orders": [["2026-01-01", 0.1], ["2026-01-02", 0.2], ["2026-01-03", 0.7]]}'::purchase_history), ('{"orders": [["2026-01-01", 10], ["2026-01-03", -0.005]]}'),
	('{"orders": [["2026-01-01", 1e300], ["2026-01-01", -1e300], ["2026-01-02", 0.12345]]}'), ('{"orders": [["2026-01-01", 1], ["2026-01-02", null]]}'),
	('{"orders": [["2026-01-01", null]]}'), ('{"orders": []}'), (NULL)) AS v(h);
-- Halves are rounded once: an average of 0.5 cents less the smallest part is no cent.
SELECT avg_order_value('{"orders": [["2026-01-01", 0.0049], ["2026-01-02", 0.0051], ["2026-01-03", 0.0049]]}', 2),
	avg_order_value('{"orders": [["2026-01-01", 0.01], ["2026-01-02", 0]]}', 2);
-- Amounts of fifteen digits add up exactly; of longer ones the nearest float8 is kept.
SELECT what, total_spend(purchase_history(date '2025-01-01' + i, amount), 20) - sum(amount) AS difference
FROM (VALUES ('fifteen digits', 1, 123456789.012345), ('fifteen digits', 2, 99999999999999.9), ('fifteen digits', 3, 0.00000123456789012345), ('more', 1, 12345678901234567.89), ('more', 2, 0.01)) AS v(what, i, amount)
GROUP BY what ORDER BY what;

-- Scores, and sums of them.
SELECT rounded(170219.5400000002), rounded(2.005), rounded(1::float8 / 3, 5), rounded(-0.004), rounded(1e20, 0), rounded('NaN'), rounded('infinity'), rounded(NULL);
SELECT rounded(1, -1);
SELECT total_spend('{"orders": []}', 101);
SELECT avg_order_value('{"orders": []}', 2147483647), spend_between('{"orders": []}', '2026-01-01', '2026-01-02', -2147483648);

DROP TABLE purchases, histories;
