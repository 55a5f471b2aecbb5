-- What every client meets: a shop, its histories, a model and scores; orders of one customer are known.
CREATE EXTENSION customer_centric;
CREATE TABLE orders AS
SELECT customer_id, ordered_at, amount::numeric(12, 2)
FROM simulate_orders(300, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	since => '2024-01-01', until => '2026-01-01', seed => 1);
CREATE TABLE histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id;
INSERT INTO histories VALUES (1001, '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]}');
ALTER TABLE histories ADD PRIMARY KEY (customer_id);
CREATE TABLE models AS SELECT clv_fit(customer_base(history), 'bg/nbd', '2025-12-31') AS model FROM histories;
SELECT create_customer_scores('customer_scores', 'histories', 'customer_id');
