-- purchase_history: one customer's purchases, compact and exact

CREATE TYPE purchase_history;

CREATE FUNCTION purchase_history_in(cstring) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION purchase_history_out(purchase_history) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION purchase_history_recv(internal) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION purchase_history_send(purchase_history) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE purchase_history (
	INPUT = purchase_history_in, OUTPUT = purchase_history_out,
	RECEIVE = purchase_history_recv, SEND = purchase_history_send,
	ALIGNMENT = double, STORAGE = extended
);

COMMENT ON TYPE purchase_history IS 'one customer''s purchases: the sorted multiset of (day, amount)';
COMMENT ON FUNCTION purchase_history_in(cstring) IS 'text input, JSON: {"orders": [["2026-01-05", 12.5], …]}';
COMMENT ON FUNCTION purchase_history_out(purchase_history) IS 'text output, JSON';
COMMENT ON FUNCTION purchase_history_recv(internal) IS 'binary input';
COMMENT ON FUNCTION purchase_history_send(purchase_history) IS 'binary output';

-- aggregation: rows to a history, histories to a history

CREATE FUNCTION purchase_history_final(purchase_history) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION purchase_history_merge(purchase_history, purchase_history) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION purchase_history_final(purchase_history) IS 'aggregate support: the finished history';
COMMENT ON FUNCTION purchase_history_merge(purchase_history, purchase_history) IS 'all purchases of both histories (implementation of || operator)';

CREATE FUNCTION purchase_history_add_date(purchase_history, date) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_date(purchase_history, date) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_date_numeric(purchase_history, date, numeric) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_date_numeric(purchase_history, date, numeric) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_date_float8(purchase_history, date, float8) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_date_float8(purchase_history, date, float8) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_money(purchase_history, date, money) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_money(purchase_history, date, money) IS 'aggregate support: refuses type money';
CREATE FUNCTION purchase_history_add_timestamp(purchase_history, timestamp) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamp(purchase_history, timestamp) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_timestamp_numeric(purchase_history, timestamp, numeric) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamp_numeric(purchase_history, timestamp, numeric) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_timestamp_float8(purchase_history, timestamp, float8) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamp_float8(purchase_history, timestamp, float8) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_money(purchase_history, timestamp, money) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_money(purchase_history, timestamp, money) IS 'aggregate support: refuses type money';
CREATE FUNCTION purchase_history_add_timestamptz(purchase_history, timestamptz) RETURNS purchase_history
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamptz(purchase_history, timestamptz) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_timestamptz_numeric(purchase_history, timestamptz, numeric) RETURNS purchase_history
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamptz_numeric(purchase_history, timestamptz, numeric) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_timestamptz_float8(purchase_history, timestamptz, float8) RETURNS purchase_history
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_timestamptz_float8(purchase_history, timestamptz, float8) IS 'aggregate support: adds one purchase';
CREATE FUNCTION purchase_history_add_money(purchase_history, timestamptz, money) RETURNS purchase_history
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_history_add_money(purchase_history, timestamptz, money) IS 'aggregate support: refuses type money';

CREATE AGGREGATE purchase_history(ordered_at date) (
	SFUNC = purchase_history_add_date, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(date) IS 'the history of orders without amounts';
CREATE AGGREGATE purchase_history(ordered_at date, amount numeric) (
	SFUNC = purchase_history_add_date_numeric, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(date, numeric) IS 'the history of a customer''s orders';
CREATE AGGREGATE purchase_history(ordered_at date, amount float8) (
	SFUNC = purchase_history_add_date_float8, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(date, float8) IS 'the history of a customer''s orders';
CREATE AGGREGATE purchase_history(ordered_at date, amount money) (
	SFUNC = purchase_history_add_money, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(date, money) IS 'not supported: cast amounts of type money to numeric';
CREATE AGGREGATE purchase_history(ordered_at timestamp) (
	SFUNC = purchase_history_add_timestamp, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamp) IS 'the history of orders without amounts';
CREATE AGGREGATE purchase_history(ordered_at timestamp, amount numeric) (
	SFUNC = purchase_history_add_timestamp_numeric, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamp, numeric) IS 'the history of a customer''s orders';
CREATE AGGREGATE purchase_history(ordered_at timestamp, amount float8) (
	SFUNC = purchase_history_add_timestamp_float8, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamp, float8) IS 'the history of a customer''s orders';
CREATE AGGREGATE purchase_history(ordered_at timestamp, amount money) (
	SFUNC = purchase_history_add_money, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamp, money) IS 'not supported: cast amounts of type money to numeric';
CREATE AGGREGATE purchase_history(ordered_at timestamptz) (
	SFUNC = purchase_history_add_timestamptz, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamptz) IS 'the history of orders without amounts; the day is that of the session''s time zone';
CREATE AGGREGATE purchase_history(ordered_at timestamptz, amount numeric) (
	SFUNC = purchase_history_add_timestamptz_numeric, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamptz, numeric) IS 'the history of a customer''s orders; the day is that of the session''s time zone';
CREATE AGGREGATE purchase_history(ordered_at timestamptz, amount float8) (
	SFUNC = purchase_history_add_timestamptz_float8, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamptz, float8) IS 'the history of a customer''s orders; the day is that of the session''s time zone';
CREATE AGGREGATE purchase_history(ordered_at timestamptz, amount money) (
	SFUNC = purchase_history_add_money, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 64, PARALLEL = SAFE
);
COMMENT ON AGGREGATE purchase_history(timestamptz, money) IS 'not supported: cast amounts of type money to numeric';

CREATE AGGREGATE rollup(history purchase_history) (
	SFUNC = purchase_history_merge, STYPE = purchase_history,
	FINALFUNC = purchase_history_final, COMBINEFUNC = purchase_history_merge,
	SSPACE = 128, PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(purchase_history) IS 'merges histories: all purchases of all of them';

CREATE OPERATOR || (
	LEFTARG = purchase_history, RIGHTARG = purchase_history,
	FUNCTION = purchase_history_merge, COMMUTATOR = ||
);
COMMENT ON OPERATOR || (purchase_history, purchase_history) IS 'all purchases of both histories';

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
CREATE FUNCTION purchase_days(history purchase_history) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_days(purchase_history) IS 'number of days with an order: the transactions of the models';
CREATE FUNCTION total_spend(history purchase_history) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION total_spend(purchase_history) IS 'all amounts, net of refunds; NULL if none is known';
CREATE FUNCTION avg_order_value(history purchase_history) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avg_order_value(purchase_history) IS 'total spend divided by the number of orders';

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

-- windows: half-open, [since, until)

CREATE FUNCTION orders_between(history purchase_history, since date, until date) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION orders_between(purchase_history, date, date) IS 'number of orders in [since, until)';
CREATE FUNCTION spend_between(history purchase_history, since date, until date) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION spend_between(purchase_history, date, date) IS 'spend in [since, until), net of refunds';
CREATE FUNCTION history_until(history purchase_history, as_of date) RETURNS purchase_history
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION history_until(purchase_history, date) IS 'the history as it stood on that day, the day included';

CREATE FUNCTION unnest(history purchase_history, OUT ordered_on date, OUT amount double precision)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 10 AS 'MODULE_PATHNAME', 'purchase_history_unnest';
COMMENT ON FUNCTION unnest(purchase_history) IS 'the purchases as rows, in order; an unknown amount is NULL';
