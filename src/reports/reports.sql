-- customer_scores: the whole job as one query, and scores that stay

CREATE FUNCTION scored_customer(history purchase_history, model clv_model, as_of date, horizon_days integer,
	annual_discount double precision, margin double precision, covariates double precision[] DEFAULT NULL,
	cuts rfm_cuts DEFAULT NULL, rules segment_rules DEFAULT NULL,
	OUT first_order_on date, OUT last_order_on date, OUT order_count bigint, OUT total_spend numeric, OUT avg_order_value numeric,
	OUT recency_days integer, OUT tenure_days integer, OUT avg_days_between_orders double precision,
	OUT r_score smallint, OUT f_score smallint, OUT m_score smallint, OUT rfm_score text, OUT segment text,
	OUT lifecycle text, OUT churn_prob double precision, OUT expected_transactions double precision,
	OUT order_prob double precision, OUT next_order_on date, OUT days_overdue integer,
	OUT expected_transaction_value double precision, OUT clv_estimate double precision, OUT score_status text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION scored_customer(purchase_history, clv_model, date, integer, double precision, double precision, double precision[], rfm_cuts, segment_rules) IS
'internal: a row of the scores: what happened until the history ends, the scores by cut points (without them none), the segment by rules (without them none), and those of customer_scores(); amounts with two decimals';

-- Its cost is that of the aggregate, which has to take up the row: the planner knows of none, and would have one process
-- build all parts.
CREATE FUNCTION in_part(hash integer, part integer, parts integer) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION in_part(integer, integer, integer) IS 'internal: whether a hash falls into one of so many parts of all hashes, counted from 0';

CREATE FUNCTION customer_scores_query(orders regclass, customer_id name, ordered_at name DEFAULT NULL, amount name DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	as_of "any" DEFAULT NULL::date, model "any" DEFAULT 'auto'::text, order_id name DEFAULT NULL, group_by "any" DEFAULT NULL::name[],
	cuts rfm_cuts DEFAULT NULL, rules segment_rules DEFAULT NULL, columns "any" DEFAULT NULL::name[], season text DEFAULT NULL, workers integer DEFAULT 1) RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_scores_query(regclass, name, name, name, integer, double precision, double precision, "any", "any", name, "any", rfm_cuts, segment_rules, "any", text, integer) IS
'text of the query that scores every customer of a table of orders, or of histories; columns are given by name';

CREATE FUNCTION create_customer_scores(view_name text, orders regclass, customer_id name, ordered_at name DEFAULT NULL, amount name DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	as_of "any" DEFAULT NULL::date, model "any" DEFAULT 'auto'::text, order_id name DEFAULT NULL, group_by "any" DEFAULT NULL::name[],
	cuts rfm_cuts DEFAULT NULL, rules segment_rules DEFAULT NULL, columns "any" DEFAULT NULL::name[],
	replace boolean DEFAULT false, storage text DEFAULT 'materialized view', verbose boolean DEFAULT false, season text DEFAULT NULL, workers integer DEFAULT 1) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION create_customer_scores(text, regclass, name, name, name, integer, double precision, double precision, "any", "any", name, "any", rfm_cuts, segment_rules, "any", boolean, text, boolean, text, integer) IS
'makes customer_scores_query a materialized view, or a table behind a view, with a unique index, comments and what was fitted beside it; gives the number of customers';

CREATE FUNCTION customer_scores_query(orders regclass, customer_id name[], ordered_at name DEFAULT NULL, amount name DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	as_of "any" DEFAULT NULL::date, model "any" DEFAULT 'auto'::text, order_id name DEFAULT NULL, group_by "any" DEFAULT NULL::name[],
	cuts rfm_cuts DEFAULT NULL, rules segment_rules DEFAULT NULL, columns "any" DEFAULT NULL::name[], season text DEFAULT NULL, workers integer DEFAULT 1) RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_scores_query(regclass, name[], name, name, integer, double precision, double precision, "any", "any", name, "any", rfm_cuts, segment_rules, "any", text, integer) IS
'text of the query that scores every customer of a table of orders, or of histories; columns are given by name, the customer by several';

CREATE FUNCTION create_customer_scores(view_name text, orders regclass, customer_id name[], ordered_at name DEFAULT NULL, amount name DEFAULT NULL,
	horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10, margin double precision DEFAULT 1.0,
	as_of "any" DEFAULT NULL::date, model "any" DEFAULT 'auto'::text, order_id name DEFAULT NULL, group_by "any" DEFAULT NULL::name[],
	cuts rfm_cuts DEFAULT NULL, rules segment_rules DEFAULT NULL, columns "any" DEFAULT NULL::name[],
	replace boolean DEFAULT false, storage text DEFAULT 'materialized view', verbose boolean DEFAULT false, season text DEFAULT NULL, workers integer DEFAULT 1) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION create_customer_scores(text, regclass, name[], name, name, integer, double precision, double precision, "any", "any", name, "any", rfm_cuts, segment_rules, "any", boolean, text, boolean, text, integer) IS
'makes customer_scores_query a materialized view, or a table behind a view, with a unique index, comments and what was fitted beside it; gives the number of customers; the customer by several columns';

CREATE PROCEDURE refresh_customer_scores(name regclass, verbose boolean DEFAULT false)
LANGUAGE C AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE refresh_customer_scores(regclass, boolean) IS
'scores anew what create_customer_scores made: of a table it writes a new generation and swaps it in under the view, of a materialized view it is REFRESH ... CONCURRENTLY';
