-- The extension, from an order log to decisions, in the order in which you would use it.
-- Needs a table orders (customer_id, ordered_at, amount). Every statement works on your
-- own data: put in the names of your table and its columns.

\set QUIET on
\set ON_ERROR_STOP on
\pset pager off
\pset border 2
\pset footer off
\pset numericlocale on
\pset null '-'
SET client_min_messages = warning;
SET jit = off;

\echo
\echo 'THE ORDERS'
SELECT count(*) AS "Orders", count(DISTINCT customer_id) AS "Customers",
	min(ordered_at)::date AS "First day", max(ordered_at)::date AS "Last day",
	round(sum(amount)::numeric) AS "Revenue",
	round(count(*)::numeric / count(DISTINCT customer_id), 1) AS "Orders per customer"
FROM orders;

-- 0. What is wrong with the orders, if anything is: better known before scores are believed.

SELECT clock_timestamp() AS since \gset
\pset tuples_only on
\pset format unaligned
SELECT format(E'\n%s\n%s', title, string_agg(format('    %s (%s%s): %s', c.check_name, c.rows, coalesce(', such as ' || c.example, ''), c.fix), E'\n')) || E'\n'
FROM check_orders('orders', 'customer_id', 'ordered_at', 'amount') AS c, (VALUES ('THE CHECK OF THE ORDERS warns')) AS t(title)
WHERE c.severity <> 'info' GROUP BY title;
SELECT format('==> Checked %s orders %s s', count(*), to_char(extract(epoch FROM clock_timestamp() - :'since'), 'FM990.0')) FROM orders;
\pset tuples_only off
\pset format aligned

-- 1. One call makes a materialized view with a row for every customer: what happened,
--    how good a customer it is, and what to expect. Later: REFRESH MATERIALIZED VIEW.

SELECT clock_timestamp() AS since \gset
SELECT create_customer_scores('customer_scores', orders => 'orders',
	customer_id => 'customer_id', ordered_at => 'ordered_at', amount => 'amount') AS customers \gset
SELECT to_char(extract(epoch FROM clock_timestamp() - :'since'), 'FM990.0') AS seconds, clock_timestamp() AS since \gset
\echo '==> Scored' :customers 'customers' :seconds 's'

-- 2. The same in steps, for those who want to look inside: orders to a history for each
--    customer, histories to a model.

CREATE TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS history
FROM orders
GROUP BY customer_id;
ANALYZE histories;

SELECT clv_fit_problem(customer_base(history)) AS problem, clv_fit_problem(customer_base(history)) IS NULL AS fits
FROM histories \gset

\if :fits
CREATE TABLE model AS
SELECT clv_model(history) AS model FROM histories;
SELECT to_char(extract(epoch FROM clock_timestamp() - :'since'), 'FM990.0') AS seconds \gset
\echo '==> Fitted all models to' :customers 'histories' :seconds 's'
\echo

\echo 'THE MODELS tried: when customers order and when they leave; the lowest BIC is taken'
SELECT c.model AS "Model", c.param_count AS "Parameters", to_char(c.log_likelihood, 'FM999,999,990.0') AS "Log-likelihood",
	to_char(c.bic, 'FM999,999,990.0') AS "BIC", CASE WHEN c.chosen THEN '<==' END AS "Chosen"
FROM model, clv_candidates(model) AS c ORDER BY c.bic;

SELECT model_name(model) AS model_name FROM model \gset
\echo 'ITS PARAMETERS, and those of what they spend'
SELECT param AS "Parameter", round(estimate::numeric, 3) AS "Estimate", round(std_error::numeric, 3) AS "Std. error",
	CASE
		WHEN param = 'r' THEN 'how alike customers are in how often they order'
		WHEN param = 'alpha' AND :'model_name' LIKE '%cnbd-k' THEN 'r / (k alpha) = mean number of orders in a week'
		WHEN param = 'alpha' THEN 'r / alpha = mean number of orders in a week'
		WHEN param = 'k' THEN 'how regular their orders are: 1 is at random'
		WHEN param = 'a' THEN 'a / (a + b) = mean chance to leave after an order'
		WHEN param = 'b' AND :'model_name' = 'gg/nbd' THEN 'how the rate of leaving changes with age'
		WHEN param = 'b' THEN 'how alike customers are in that, with a'
		WHEN param = 's' THEN 'how alike customers are in how soon they leave'
		WHEN param = 'beta' AND :'model_name' = 'pareto/nbd' THEN 's / beta = mean rate of leaving in a week'
		WHEN param = 'beta' THEN 'how soon they leave, with b and s'
		WHEN param = 'p' THEN 'how alike a customer''s orders are in amount'
		WHEN param = 'q' THEN 'how alike customers are in what they spend'
		WHEN param = 'gamma' THEN 'p * gamma / (q - 1) = mean amount of an order'
	END AS "What it says"
FROM model, clv_params(model);
\else
\echo 'No model can be fitted to these orders (' :problem '), so there are no predictions.'
\echo
\endif

-- 3. Segments: names for combinations of recency, frequency and money, the same in every
--    tool, because they are a column of the view. They say what happened; what to expect,
--    the lifecycle says: new, active, slipping, probably lost, lost.

\echo 'SEGMENTS, with the days since their last order and what to expect of the coming year'
SELECT segment AS "Segment", count(*) AS "Customers",
	round(100 * count(*) / sum(count(*)) OVER (), 1) AS "%",
	round(sum(total_spend)) AS "Revenue",
	round(avg(recency_days)) AS "Days idle",
	round(sum(clv_365d)::numeric) AS "Expected value",
	round(avg(clv_365d)::numeric, 2) AS "Per customer"
FROM customer_scores
GROUP BY segment
ORDER BY sum(clv_365d) DESC NULLS LAST, sum(total_spend) DESC;

\if :fits
\echo 'SEGMENTS AND LIFECYCLES: customers by what happened, and by what the model expects of them'
SELECT segment AS "Segment", count(*) FILTER (WHERE lifecycle = 'new') AS "New",
	count(*) FILTER (WHERE lifecycle = 'active') AS "Active", count(*) FILTER (WHERE lifecycle = 'slipping') AS "Slipping",
	count(*) FILTER (WHERE lifecycle = 'probably lost') AS "Probably lost", count(*) FILTER (WHERE lifecycle = 'lost') AS "Lost"
FROM customer_scores
GROUP BY segment
ORDER BY sum(clv_365d) DESC NULLS LAST, sum(total_spend) DESC;
\endif

-- 4. Scores are plain columns: sort and filter.

\if :fits
\echo 'THE TEN CUSTOMERS WITH THE HIGHEST EXPECTED VALUE in the coming year'
SELECT left(customer_id::text, 20) AS "Customer", segment AS "Segment", lifecycle AS "Lifecycle", order_count AS "Orders", round(total_spend) AS "Spent",
	last_order_on AS "Last order", round(100 * churn_prob::numeric) AS "Gone %",
	round(expected_transactions_365d::numeric, 1) AS "Orders to come", round(clv_365d::numeric) AS "Expected value"
FROM customer_scores
ORDER BY clv_365d DESC NULLS LAST, customer_id
LIMIT 10;

\echo 'THE TEN MOST VALUABLE WHO ARE LEAVING: slipping (overdue, though probably still customers) or probably lost,'
\echo 'by what they have spent; the segment says what they were, the lifecycle what they are'
SELECT left(customer_id::text, 20) AS "Customer", segment AS "Was", lifecycle AS "Is", order_count AS "Orders", round(total_spend) AS "Spent",
	last_order_on AS "Last order", round(avg_days_between_orders::numeric) AS "Usual gap, days",
	recency_days AS "Days idle", round(100 * churn_prob::numeric) AS "Gone %"
FROM customer_scores
WHERE lifecycle IN ('slipping', 'probably lost')
ORDER BY total_spend DESC, customer_id
LIMIT 10;
\endif

-- 5. Is it any good? Fit on the first half of the log, and hold the second half against
--    what the model said. Histories know how they stood on any day: no orders are touched.

SELECT first_day + (last_day - first_day) / 2 AS halfway, last_day, last_day - first_day AS days
FROM (SELECT min(ordered_at)::date AS first_day, max(ordered_at)::date AS last_day FROM orders) AS log \gset

SELECT clv_fit_problem(customer_base(history, :'halfway')) AS problem,
	:days > 1 AND clv_fit_problem(customer_base(history, :'halfway')) IS NULL AS fits
FROM histories \gset

\if :fits
\echo '==> Fitting the first half again'
SELECT clock_timestamp() AS since \gset
CREATE TABLE back_test AS
SELECT repeat_count(history, :'halfway') AS orders_before,
	repeat_count(history) - repeat_count(history, :'halfway') AS actual,
	expected_transactions(history, model, date :'last_day' - date :'halfway', :'halfway') AS predicted
FROM histories,
	(SELECT clv_fit(customer_base(history, :'halfway')) AS model FROM histories) AS first_half
WHERE first_order_on(history) <= :'halfway';
SELECT count(*) AS customers, to_char(extract(epoch FROM clock_timestamp() - :'since'), 'FM990.0') AS seconds FROM back_test \gset
\echo '==> Predicted for' :customers 'customers' :seconds 's'
\echo

\echo 'BACK-TEST: fitted on orders until' :halfway', predicting those until' :last_day
SELECT count(*) AS "Customers", round(sum(predicted)::numeric) AS "Orders predicted", sum(actual) AS "Orders seen",
	to_char(100 * (round(sum(predicted)) / nullif(sum(actual), 0) - 1), 'FMSG990.0') || ' %' AS "Error"
FROM back_test;

\echo 'the same by the number of repeat orders until' :halfway', per customer'
WITH groups AS (
	SELECT least(orders_before, 7) AS orders_before, count(*) AS customers, avg(predicted) AS predicted, avg(actual) AS seen
	FROM back_test
	GROUP BY 1
)
SELECT orders_before || CASE WHEN orders_before = 7 THEN '+' ELSE '' END AS "Repeat orders", customers AS "Customers",
	round(predicted::numeric, 2) AS "Predicted", round(seen, 2) AS "Seen",
	repeat('*', round(20 * predicted / nullif(max(greatest(predicted, seen)) OVER (), 0))::int) AS "Predicted",
	repeat('*', round(20 * seen / nullif(max(greatest(predicted, seen)) OVER (), 0))::int) AS "Seen"
FROM groups
ORDER BY groups.orders_before;
\else
\echo 'No back-test: the first half of the log is too little for a model (' :problem ').'
\endif
