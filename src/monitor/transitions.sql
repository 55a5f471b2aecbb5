-- segment_transitions: how many customers moved from which segment to which

--@value segment_transitions 5 1 double -- how many customers moved from which segment to which between two days; outside, from where customers come and whereto they go, is a state as well
COMMENT ON FUNCTION segment_transitions_in(cstring) IS 'internal: text input, JSON: {"moves": [["Loyal", "At risk", 15], [null, "New", 3]]}, each element from, to and customers; null is outside';

-- aggregation: customers to moves, moves to moves

CREATE FUNCTION segment_transitions_add(segment_transitions, text, text) RETURNS segment_transitions
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION segment_transitions_add(segment_transitions, text, text, bigint) RETURNS segment_transitions
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION segment_transitions_merge(segment_transitions, segment_transitions) RETURNS segment_transitions
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION segment_transitions_final(segment_transitions) RETURNS segment_transitions
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION segment_transitions_add(segment_transitions, text, text) IS 'internal: adds one customer';
COMMENT ON FUNCTION segment_transitions_add(segment_transitions, text, text, bigint) IS 'internal: adds customers that were counted already';
COMMENT ON FUNCTION segment_transitions_merge(segment_transitions, segment_transitions) IS 'internal: the moves of both (implementation of || operator)';
COMMENT ON FUNCTION segment_transitions_final(segment_transitions) IS 'internal: the finished value';

CREATE AGGREGATE segment_transitions(from_segment text, to_segment text) (
--@aggregate segment_transitions segment_transitions_add 6200
COMMENT ON AGGREGATE segment_transitions(text, text) IS 'moves of these customers, one a row: the segment before (NULL: new) and after (NULL: gone); rows without both are skipped';
CREATE AGGREGATE segment_transitions(from_segment text, to_segment text, customers bigint) (
--@aggregate segment_transitions segment_transitions_add 6200
COMMENT ON AGGREGATE segment_transitions(text, text, bigint) IS 'moves of customers that were counted already';
--@rollup segment_transitions transitions 6200 -- merges moves: of regions, shards, months
--@union segment_transitions -- the moves of both

-- what moves tell

CREATE FUNCTION customer_count(transitions segment_transitions) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'segment_transitions_customer_count';
COMMENT ON FUNCTION customer_count(segment_transitions) IS 'customers in all moves, new and gone ones among them';

CREATE FUNCTION unnest(transitions segment_transitions, OUT from_segment text, OUT to_segment text, OUT customers bigint)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 50 AS 'MODULE_PATHNAME', 'segment_transitions_unnest';
COMMENT ON FUNCTION unnest(segment_transitions) IS 'the moves as rows; customers come from (new) and go to (gone)';

CREATE FUNCTION transition_shares(transitions segment_transitions, smooth boolean DEFAULT false,
	OUT from_segment text, OUT to_segment text, OUT customers bigint, OUT share double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION transition_shares(segment_transitions, boolean) IS
'share of the customers of each segment who moved to each; smooth: (moves + 1/k) / (customers + 1), for k segments to move to';

CREATE FUNCTION steady_state(transitions segment_transitions, smooth boolean DEFAULT false,
	OUT segment text, OUT share double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION steady_state(segment_transitions, boolean) IS
'shares of the segments in the long run, if customers go on to move like this and each who leaves is replaced by a new one; NULL, not_ergodic, if there is no such run';

CREATE FUNCTION transition_half_life(transitions segment_transitions, smooth boolean DEFAULT false) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION transition_half_life(segment_transitions, boolean) IS
'periods until half of the distance to the steady state is covered; NULL if there is none';

CREATE FUNCTION expected_periods_to(transitions segment_transitions, segment text, smooth boolean DEFAULT false,
	OUT from_segment text, OUT periods double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_periods_to(segment_transitions, text, boolean) IS
'mean number of periods until a customer of each other segment is in this one, or (gone); NULL, may_never_arrive, if some never are';

CREATE FUNCTION transition_forecast(transitions segment_transitions, periods integer, smooth boolean DEFAULT false,
	OUT period integer, OUT segment text, OUT customers double precision, OUT share double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION transition_forecast(segment_transitions, integer, boolean) IS
'customers of each segment, if customers go on to move like this and as many new ones come; period 0 is the beginning of the moves, period 1 their end';
