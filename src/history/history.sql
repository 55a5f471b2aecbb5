-- purchase_history: one customer's purchases, compact and exact

--@value purchase_history 1 1 double -- one customer''s purchases: the sorted multiset of (day, amount)
COMMENT ON FUNCTION purchase_history_in(cstring) IS 'internal: text input, JSON: {"orders": [["2026-01-05", 12.5], ...]}';

-- aggregation: rows to a history, histories to a history

CREATE FUNCTION purchase_history_final(purchase_history) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION purchase_history_merge(purchase_history, purchase_history) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION purchase_history_final(purchase_history) IS 'internal: the finished history';
COMMENT ON FUNCTION purchase_history_merge(purchase_history, purchase_history) IS 'internal: all purchases of both histories (implementation of || operator)';

-- The transition functions and aggregates over orders whose time has this type: volatility, and what a comment adds.
--@orders date IMMUTABLE
--@orders timestamp IMMUTABLE
--@orders timestamptz STABLE -- ; the day is that of the session''s time zone

--@rollup purchase_history history 128 -- merges histories: all purchases of all of them
--@union purchase_history -- all purchases of both histories

-- corrections: a history is a multiset, so what went into it can be taken out

CREATE FUNCTION purchase_history_subtract(purchase_history, purchase_history) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_subtract(purchase_history, purchase_history) IS 'internal: the first history without the purchases of the second (implementation of - operator)';
CREATE FUNCTION purchase_history_contains(purchase_history, purchase_history) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_contains(purchase_history, purchase_history) IS 'internal: whether the first history holds all of the second (implementation of @> operator)';
CREATE FUNCTION purchase_history_contained(purchase_history, purchase_history) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_contained(purchase_history, purchase_history) IS 'internal: whether the second history holds all of the first (implementation of <@ operator)';

CREATE OPERATOR - (
	LEFTARG = purchase_history, RIGHTARG = purchase_history,
	FUNCTION = purchase_history_subtract
);
COMMENT ON OPERATOR - (purchase_history, purchase_history) IS 'the first history without the purchases of the second, each taken out once; one that it does not hold is an error';
CREATE OPERATOR @> (
	LEFTARG = purchase_history, RIGHTARG = purchase_history, FUNCTION = purchase_history_contains,
	COMMUTATOR = <@, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR @> (purchase_history, purchase_history) IS 'whether the first history holds every purchase of the second, as often';
CREATE OPERATOR <@ (
	LEFTARG = purchase_history, RIGHTARG = purchase_history, FUNCTION = purchase_history_contained,
	COMMUTATOR = @>, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR <@ (purchase_history, purchase_history) IS 'whether the second history holds every purchase of the first, as often';

CREATE FUNCTION purchases_missing_from(history purchase_history, other purchase_history) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchases_missing_from(purchase_history, purchase_history) IS 'how many purchases of the history the other one does not hold';
CREATE FUNCTION has_purchases_between(history purchase_history, since date, until date) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION has_purchases_between(purchase_history, date, date) IS 'whether there is any purchase, or refund, in [since, until)';
CREATE FUNCTION history_replace(history purchase_history, fresh purchase_history, since date, until date DEFAULT 'infinity')
RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION history_replace(purchase_history, purchase_history, date, date) IS
'what the history holds outside [since, until), and what fresh holds inside';

CREATE FUNCTION purchase_history_remove_add(purchase_history[], purchase_history, purchase_history) RETURNS purchase_history[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_remove_add(purchase_history[], purchase_history, purchase_history) IS 'internal: adds purchases to be taken out';
CREATE FUNCTION purchase_history_remove_merge(purchase_history[], purchase_history[]) RETURNS purchase_history[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_remove_merge(purchase_history[], purchase_history[]) IS 'internal: joins what is to be taken out';
CREATE FUNCTION purchase_history_remove_final(purchase_history[]) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_remove_final(purchase_history[]) IS 'internal: takes out what was gathered';

CREATE AGGREGATE remove(history purchase_history, gone purchase_history) (
	SFUNC = purchase_history_remove_add, STYPE = purchase_history[],
	FINALFUNC = purchase_history_remove_final, COMBINEFUNC = purchase_history_remove_merge,
	SSPACE = 256, PARALLEL = SAFE
);
COMMENT ON AGGREGATE remove(purchase_history, purchase_history) IS
'the history, which is the same in all rows, without what the second argument holds in any of them: history - rollup(gone), or the history where all of that is NULL';

-- what happened

CREATE FUNCTION first_order_on(history purchase_history) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION first_order_on(purchase_history) IS 'day of the first order; NULL without one';
CREATE FUNCTION last_order_on(history purchase_history) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION last_order_on(purchase_history) IS 'day of the last order; NULL without one';
CREATE FUNCTION order_count(history purchase_history) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION order_count(purchase_history) IS 'number of orders, each counted; refunds are none';
CREATE FUNCTION transaction_count(history purchase_history) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION transaction_count(purchase_history) IS 'number of days with an order: the transactions of the models';
CREATE FUNCTION total_spend(history purchase_history) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION total_spend(purchase_history) IS 'all amounts, net of refunds; NULL if one is not known';
CREATE FUNCTION avg_order_value(history purchase_history) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avg_order_value(purchase_history) IS 'total spend divided by the number of orders';

-- as a person reads it: numeric, exact, rounded

CREATE FUNCTION total_spend(history purchase_history, digits integer) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'total_spend_rounded';
COMMENT ON FUNCTION total_spend(purchase_history, integer) IS 'the exact sum of all amounts, net of refunds, rounded; NULL if one is not known';
CREATE FUNCTION avg_order_value(history purchase_history, digits integer) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'avg_order_value_rounded';
COMMENT ON FUNCTION avg_order_value(purchase_history, integer) IS 'total spend divided by the number of orders, exact, rounded';
CREATE FUNCTION rounded(value double precision, digits integer DEFAULT 2) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'float8_rounded';
COMMENT ON FUNCTION rounded(double precision, integer) IS 'a score or an amount for reports: the shortest decimal number that reads back to it, rounded; NULL for NaN and infinity';

-- timing: in days, and in transactions (days with an order)

CREATE FUNCTION repeat_count(history purchase_history) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION repeat_count(purchase_history) IS 'x: transactions after the first';
CREATE FUNCTION repeat_count(history purchase_history, as_of date) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION repeat_count(purchase_history, date) IS 'x: transactions after the first, as of a day';
CREATE FUNCTION recency_days(history purchase_history, as_of date) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recency_days(purchase_history, date) IS 'days since the last order, as of a day';
CREATE FUNCTION tenure_days(history purchase_history, as_of date) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION tenure_days(purchase_history, date) IS 'days since the first order, as of a day';
CREATE FUNCTION avg_days_between_orders(history purchase_history) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avg_days_between_orders(purchase_history) IS 'mean number of days between transactions; NULL with fewer than two';
CREATE FUNCTION days_to_nth_order(history purchase_history, n integer) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION days_to_nth_order(purchase_history, integer) IS 'days from the first transaction to the nth; NULL if there is none';

CREATE FUNCTION history_summary(history purchase_history, as_of date,
	OUT first_order_on date, OUT last_order_on date, OUT order_count bigint, OUT transaction_count integer,
	OUT repeat_count integer, OUT total_spend double precision, OUT avg_order_value double precision,
	OUT recency_days integer, OUT tenure_days integer, OUT avg_days_between_orders double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION history_summary(purchase_history, date) IS
'first and last order, counts, spend and gaps in one row, as the history stood on a day';

-- windows: half-open, [since, until)

CREATE FUNCTION orders_between(history purchase_history, since date, until date) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION orders_between(purchase_history, date, date) IS 'number of orders in [since, until)';
CREATE FUNCTION spend_between(history purchase_history, since date, until date) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION spend_between(purchase_history, date, date) IS 'spend in [since, until), net of refunds';
CREATE FUNCTION spend_between(history purchase_history, since date, until date, digits integer) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'spend_between_rounded';
COMMENT ON FUNCTION spend_between(purchase_history, date, date, integer) IS 'the exact spend in [since, until), net of refunds, rounded';
CREATE FUNCTION history_until(history purchase_history, as_of date) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION history_until(purchase_history, date) IS 'the history as it stood on that day, the day included';

CREATE FUNCTION unnest(history purchase_history, OUT ordered_on date, OUT amount double precision)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 10 AS 'MODULE_PATHNAME', 'purchase_history_unnest';
COMMENT ON FUNCTION unnest(purchase_history) IS 'the purchases as rows, in order; an unknown amount is NULL';
