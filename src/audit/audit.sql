-- period_audit: what every customer did in one period

--@value period_audit 1000 1000 double -- what every customer did in one period: orders, spend and profit
COMMENT ON FUNCTION period_audit_in(cstring) IS 'internal: text input, JSON: {"since": "2024-01-01", "until": "2025-01-01", "profit": true, "customers": [[2, 180, 75, 1]]}, each element orders, spend and profit of a customer, and how many customers have the same';

CREATE FUNCTION period_audit_merge(period_audit, period_audit) RETURNS period_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION period_audit_final(period_audit) RETURNS period_audit
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'audit_final';
COMMENT ON FUNCTION period_audit_merge(period_audit, period_audit) IS 'internal: the customers of both (implementation of || operator)';
COMMENT ON FUNCTION period_audit_final(period_audit) IS 'internal: the finished value';

CREATE FUNCTION period_audit_add(period_audit, purchase_history, date, date) RETURNS period_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_audit_add(period_audit, purchase_history, date, date) IS 'internal: adds one customer';

CREATE AGGREGATE period_audit(history purchase_history, since date, until date) (
--@aggregate period_audit period_audit_add 65536
COMMENT ON AGGREGATE period_audit(purchase_history, date, date) IS
'orders and spend of these customers from the day since until the day before until';

CREATE FUNCTION period_audit_add(period_audit, purchase_history, date, date, purchase_history) RETURNS period_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_audit_add(period_audit, purchase_history, date, date, purchase_history) IS 'internal: adds one customer';

CREATE AGGREGATE period_audit(history purchase_history, since date, until date, profit_history purchase_history) (
--@aggregate period_audit period_audit_add 65536
COMMENT ON AGGREGATE period_audit(purchase_history, date, date, purchase_history) IS
'orders, spend and profit of these customers from the day since until the day before until; the amounts of profit_history are profit';

CREATE FUNCTION period_audit_add_counts(period_audit, bigint, double precision) RETURNS period_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_audit_add_counts(period_audit, bigint, double precision) IS 'internal: adds one customer';

CREATE AGGREGATE period_audit(orders bigint, spend double precision) (
--@aggregate period_audit period_audit_add_counts 65536
COMMENT ON AGGREGATE period_audit(bigint, double precision) IS
'customers whose orders were counted already';

CREATE FUNCTION period_audit_add_counts(period_audit, bigint, double precision, double precision) RETURNS period_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_audit_add_counts(period_audit, bigint, double precision, double precision) IS 'internal: adds one customer';

CREATE AGGREGATE period_audit(orders bigint, spend double precision, profit double precision) (
--@aggregate period_audit period_audit_add_counts 65536
COMMENT ON AGGREGATE period_audit(bigint, double precision, double precision) IS
'customers whose orders were counted already, with profit';

--@rollup period_audit audit 65536 -- merges audits of different customers in the same period: regions, shards
--@union period_audit -- the customers of both

-- lens 1: one period

CREATE FUNCTION audit_summary(audit period_audit, OUT customers bigint, OUT orders bigint, OUT spend double precision,
	OUT profit double precision, OUT aof double precision, OUT aov double precision, OUT margin double precision,
	OUT mean_customer_aov double precision, OUT mean_spend double precision, OUT median_spend double precision,
	OUT mean_profit double precision, OUT median_profit double precision, OUT below_mean_share double precision,
	OUT one_order_share double precision, OUT unprofitable_share double precision, OUT gini_orders double precision,
	OUT gini_spend double precision, OUT gini_profit double precision, OUT refund_only_customers bigint,
	OUT refund_only_spend double precision, OUT refund_only_profit double precision, OUT customers_left_out bigint) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION audit_summary(period_audit) IS
'customers with an order, their orders, spend and profit, ratios of these totals (aof: orders per customer, aov: spend per order), how unequal customers are, who had only refunds, and how many are left out because an amount is not known';

CREATE FUNCTION audit_tiles(audit period_audit, "by" text DEFAULT 'spend', tiles integer DEFAULT 10,
	"equal" text DEFAULT 'customers', OUT tile integer, OUT customers bigint, OUT orders bigint,
	OUT spend double precision, OUT profit double precision, OUT share_customers double precision,
	OUT share_orders double precision, OUT share_spend double precision, OUT share_profit double precision,
	OUT aof double precision, OUT aov double precision, OUT margin double precision,
	OUT low_value double precision, OUT high_value double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION audit_tiles(period_audit, text, integer, text) IS
'customers in tiles by orders, spend or profit, the best in tile 1: as many customers in each (equal customers), or as much of the total (equal value)';

CREATE FUNCTION audit_distribution(audit period_audit, "of" text, bin_width double precision, OUT low_value double precision,
	OUT high_value double precision, OUT customers bigint, OUT share_customers double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION audit_distribution(period_audit, text, double precision) IS
'how many customers have how much (orders, spend, profit, aov or margin): bins from low_value to below high_value that hold customers';

CREATE FUNCTION lorenz_curve(audit period_audit, "of" text DEFAULT 'spend', points integer DEFAULT 100,
	OUT share_customers double precision, OUT share_value double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 101 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION lorenz_curve(period_audit, text, integer) IS
'the share of orders, spend or profit that the least customers have together, for shares of customers from 0 to 1';

CREATE FUNCTION top_share(audit period_audit, share double precision DEFAULT 0.2, "of" text DEFAULT 'spend') RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION top_share(period_audit, double precision, text) IS
'the share of orders, spend or profit that this share of the customers, the best, have; NULL if there is no total';

-- period_change: what every customer did in two periods

--@value period_change 1000 1000 double -- what every customer did in one period and in a later one
COMMENT ON FUNCTION period_change_in(cstring) IS 'internal: text input, JSON: {"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": false, "customers": [[1, 50, 0, 1, 60, 0, 1, 1]]}, each element orders, spend and profit in the first and in the second period, 1 if the first order ever was before the second, and how many customers have the same';

CREATE FUNCTION period_change_merge(period_change, period_change) RETURNS period_change
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION period_change_final(period_change) RETURNS period_change
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'audit_final';
COMMENT ON FUNCTION period_change_merge(period_change, period_change) IS 'internal: the customers of both (implementation of || operator)';
COMMENT ON FUNCTION period_change_final(period_change) IS 'internal: the finished value';

CREATE FUNCTION period_change_add(period_change, purchase_history, date, date, date, date) RETURNS period_change
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_change_add(period_change, purchase_history, date, date, date, date) IS 'internal: adds one customer';

CREATE AGGREGATE period_change(history purchase_history, since_1 date, until_1 date, since_2 date, until_2 date) (
--@aggregate period_change period_change_add 65536
COMMENT ON AGGREGATE period_change(purchase_history, date, date, date, date) IS
'orders and spend of these customers in two periods, each from a day since until the day before until';

CREATE FUNCTION period_change_add(period_change, purchase_history, date, date, date, date, purchase_history) RETURNS period_change
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION period_change_add(period_change, purchase_history, date, date, date, date, purchase_history) IS 'internal: adds one customer';

CREATE AGGREGATE period_change(history purchase_history, since_1 date, until_1 date, since_2 date, until_2 date, profit_history purchase_history) (
--@aggregate period_change period_change_add 65536
COMMENT ON AGGREGATE period_change(purchase_history, date, date, date, date, purchase_history) IS
'orders, spend and profit of these customers in two periods; the amounts of profit_history are profit';

--@rollup period_change change 65536 -- merges changes of different customers between the same periods
--@union period_change -- the customers of both

-- lens 2: two periods

CREATE FUNCTION change_groups(change period_change, OUT group_name text, OUT customers bigint,
	OUT orders_1 bigint, OUT spend_1 double precision, OUT profit_1 double precision,
	OUT aof_1 double precision, OUT aov_1 double precision, OUT margin_1 double precision,
	OUT orders_2 bigint, OUT spend_2 double precision, OUT profit_2 double precision,
	OUT aof_2 double precision, OUT aov_2 double precision, OUT margin_2 double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION change_groups(period_change) IS
'customers of both periods, of the first only (lapsed), and of the second only: new, or reactivated if their first order ever was before it';

CREATE FUNCTION change_bridge(change period_change, OUT step text, OUT customers bigint,
	OUT spend double precision, OUT profit double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 7 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION change_bridge(period_change) IS
'from the totals of the first period to those of the second, by what each group of customers changed';

CREATE FUNCTION change_drivers(change period_change, "of" text DEFAULT 'spend', OUT driver text, OUT value_1 double precision,
	OUT value_2 double precision, OUT contribution double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION change_drivers(period_change, text) IS
'what of the change in orders, spend or profit is due to the number of customers, orders per customer (aof), spend per order (aov) and margin of the customers who order in the period (as in audit_summary), and to those who have refunds only in it, if there are any; contributions add up to the change, and those of the ratios are NULL unless the totals of who orders are positive in both periods';

CREATE FUNCTION change_directions(change period_change, OUT profit text, OUT orders text, OUT aov text, OUT margin text,
	OUT customers bigint, OUT spend_change double precision, OUT profit_1 double precision,
	OUT profit_change double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 16 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION change_directions(period_change) IS
'customers of both periods by what went up, down or stayed the same; NULL where it is undefined: margin without spend, or without profit';

CREATE FUNCTION change_tiles(change period_change, "by" text DEFAULT 'spend', tiles integer DEFAULT 10,
	cuts double precision[] DEFAULT NULL, OUT tile_1 integer, OUT tile_2 integer, OUT customers bigint,
	OUT spend_change double precision, OUT profit_change double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 120 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION change_tiles(period_change, text, integer, double precision[]) IS
'how many customers moved from which tile to which, by cuts common to both periods: those given (the lowest value of each tile but the last), or such that the tiles of both periods together have equal size; NULL: only one period, no order in this one';

-- cohort_audit: what each cohort did in each period

--@value cohort_audit 1000 1000 double -- what the customers of each cohort did in each week, month, quarter or year
COMMENT ON FUNCTION cohort_audit_in(cstring) IS 'internal: text input, JSON: {"grain": "year", "until": "2025-01-01", "profit": false, "customers": [["2023-01-01", 5]], "active": [["2023-01-01", "2023-01-01", 5]], "orders": [["2023-01-01", "2023-01-01", 8]], "spend": [["2023-01-01", "2023-01-01", 0, 5800000]]}, amounts in units of 10^-4 at place 0';

CREATE FUNCTION cohort_audit_merge(cohort_audit, cohort_audit) RETURNS cohort_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION cohort_audit_final(cohort_audit) RETURNS cohort_audit
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'audit_final';
COMMENT ON FUNCTION cohort_audit_merge(cohort_audit, cohort_audit) IS 'internal: the customers of both (implementation of || operator)';
COMMENT ON FUNCTION cohort_audit_final(cohort_audit) IS 'internal: the finished value';

CREATE FUNCTION cohort_audit_add(cohort_audit, purchase_history, text, date) RETURNS cohort_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_audit_add(cohort_audit, purchase_history, text, date) IS 'internal: adds one customer';

CREATE AGGREGATE cohort_audit(history purchase_history, grain text, until date) (
--@aggregate cohort_audit cohort_audit_add 65536
COMMENT ON AGGREGATE cohort_audit(purchase_history, text, date) IS
'these customers by the week, month, quarter or year (grain) of their first order, and what they did in each such period, before the day until';

CREATE FUNCTION cohort_audit_add_profit(cohort_audit, purchase_history, text, date, purchase_history) RETURNS cohort_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_audit_add_profit(cohort_audit, purchase_history, text, date, purchase_history) IS 'internal: adds one customer';

CREATE AGGREGATE cohort_audit(history purchase_history, grain text, until date, profit_history purchase_history) (
--@aggregate cohort_audit cohort_audit_add_profit 65536
COMMENT ON AGGREGATE cohort_audit(purchase_history, text, date, purchase_history) IS
'the same with profit; the amounts of profit_history are profit';

CREATE FUNCTION cohort_audit_add_since(cohort_audit, purchase_history, text, date, date) RETURNS cohort_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_audit_add_since(cohort_audit, purchase_history, text, date, date) IS 'internal: adds one customer';

CREATE AGGREGATE cohort_audit(history purchase_history, grain text, until date, since date) (
--@aggregate cohort_audit cohort_audit_add_since 65536
COMMENT ON AGGREGATE cohort_audit(purchase_history, text, date, date) IS
'the same of data that begin on the day since: customers who came earlier are the cohort before';

CREATE FUNCTION cohort_audit_add_since(cohort_audit, purchase_history, text, date, date, purchase_history) RETURNS cohort_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_audit_add_since(cohort_audit, purchase_history, text, date, date, purchase_history) IS 'internal: adds one customer';

CREATE AGGREGATE cohort_audit(history purchase_history, grain text, until date, since date, profit_history purchase_history) (
--@aggregate cohort_audit cohort_audit_add_since 65536
COMMENT ON AGGREGATE cohort_audit(purchase_history, text, date, date, purchase_history) IS
'the same of data that begin on the day since, with profit';

--@rollup cohort_audit audit 65536 -- merges cohort audits of different customers
--@union cohort_audit -- the customers of both

-- lenses 3 to 5: cohorts

CREATE FUNCTION cohort_table(audit cohort_audit, OUT cohort text, OUT cohort_start date, OUT cohort_size bigint,
	OUT period_start date, OUT age integer, OUT active bigint, OUT share_active double precision, OUT orders bigint,
	OUT spend double precision, OUT profit double precision, OUT also_active_before bigint,
	OUT second_order_customers bigint, OUT complete boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 500 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_table(cohort_audit) IS
'each cohort in each period, by calendar (period_start) and by age (periods since its first): customers active, their orders, spend and profit, those active in the period before, too, and those whose second day with an order it was; NULL in periods that are not fully in the data (not complete). Cohort before: the first order was before the data begin. Cohort refunds only: money, in the period where it happened, of customers who had no order until then';

CREATE FUNCTION base_health(audit cohort_audit, OUT period_start date, OUT active bigint, OUT new bigint, OUT kept bigint,
	OUT reactivated bigint, OUT lapsed bigint, OUT repeat_buying_rate double precision, OUT spend double precision,
	OUT share_spend_new double precision, OUT complete boolean) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION base_health(cohort_audit) IS
'the whole base period by period: active customers are new, kept (active in the period before, too) or reactivated; lapsed were active in the period before and are not now; repeat_buying_rate: of those active now, who buy in the next period, too. The spend contains every refund of the period, that of customers without an order, too';
