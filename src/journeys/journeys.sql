-- journey: what steps one customer took, and when

--@value journey 5 1 int4 -- what steps one customer took, and when
COMMENT ON FUNCTION journey_in(cstring) IS 'internal: text input, JSON: {"events": [["2026-03-01T12:00:00Z", 1, 1]]}, each element a time (UTC), the set of steps (1 for the first, 2 for the second, 4 for the third ...) and the number of such events';

--@merge journey 5

CREATE FUNCTION journey_add(journey, timestamptz, integer) RETURNS journey
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_add(journey, timestamptz, integer) IS 'internal: adds one event';

CREATE AGGREGATE journey(at timestamptz, step integer) (
--@aggregate journey journey_add 128
COMMENT ON AGGREGATE journey(timestamptz, integer) IS
'the steps of one customer, numbered 1 to 32 in the order of the funnel; rows with NULL are left out and counted';

CREATE FUNCTION journey_add(journey, timestamptz, integer[]) RETURNS journey
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'journey_add_steps';
COMMENT ON FUNCTION journey_add(journey, timestamptz, integer[]) IS 'internal: adds one event';

CREATE AGGREGATE journey(at timestamptz, steps integer[]) (
--@aggregate journey journey_add 128
COMMENT ON AGGREGATE journey(timestamptz, integer[]) IS
'the events of one customer, each of which may be several steps, or none of them';

--@rollup journey journey 128 -- merges journeys of one customer: channels, years, shards
--@union journey -- the events of both

CREATE FUNCTION journey_level(journey journey, within interval, mode text DEFAULT 'once', steps integer DEFAULT 32, flags text[] DEFAULT NULL) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_level(journey, interval, text, integer, text[]) IS
'how many steps were taken in order, the last at most so long after the first; mode once: an event takes one step, increase: each step is later than the one before, clickhouse: as its windowFunnel, with its flags strict_order and dedup';

CREATE FUNCTION journey_times(journey journey, within interval, mode text DEFAULT 'once',
	OUT step integer, OUT reached_at timestamptz, OUT since_previous interval, OUT since_first interval) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_times(journey, interval, text) IS
'when each of these steps was taken, and how long after the one before and the first: of the chain that came farthest first';

CREATE FUNCTION journey_entries(journey journey, within interval, mode text DEFAULT 'once', steps integer DEFAULT 32,
	OUT entry integer, OUT entered_at timestamptz, OUT level integer, OUT left_at timestamptz) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_entries(journey, interval, text, integer) IS
'each attempt at the steps: when it began (the first step), how many steps were taken within the time, and when the last of them was; the next attempt begins with the first step after that time, or after the last step';

-- journey_funnel: how far customers came

--@value journey_funnel 5 1 int4 -- how far customers came, and how long each step took them
COMMENT ON FUNCTION journey_funnel_in(cstring) IS 'internal: text input, JSON: {"customers": [[0, 0, 1], ...]}, each element 4 times a step plus what is counted (0 customers who came just so far, 1 by the time since the step before, 2 since the first; of step 0 by the time and mode of the funnel), a time in microseconds, and customers';

--@merge journey_funnel 5

CREATE FUNCTION journey_funnel_add(journey_funnel, journey, interval) RETURNS journey_funnel
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_funnel_add(journey_funnel, journey, interval) IS 'internal: adds one customer';

CREATE AGGREGATE journey_funnel(journey journey, within interval) (
--@aggregate journey_funnel journey_funnel_add 20000
COMMENT ON AGGREGATE journey_funnel(journey, interval) IS
'how far customers came, a row for each; those without a journey (NULL) are left out and counted';

CREATE FUNCTION journey_funnel_add(journey_funnel, journey, interval, text) RETURNS journey_funnel
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION journey_funnel_add(journey_funnel, journey, interval, text) IS 'internal: adds one customer';

CREATE AGGREGATE journey_funnel(journey journey, within interval, mode text) (
--@aggregate journey_funnel journey_funnel_add 20000
COMMENT ON AGGREGATE journey_funnel(journey, interval, text) IS
'how far customers came, in mode once (an event takes one step) or increase (each step is later than the one before)';

--@rollup journey_funnel funnel 20000 -- merges different customers: segments, regions, shards
--@union journey_funnel -- the customers of both

CREATE FUNCTION funnel_steps(funnel journey_funnel, steps integer DEFAULT NULL,
	OUT step integer, OUT reached bigint, OUT share_of_all double precision, OUT share_of_previous double precision,
	OUT dropped bigint, OUT median_step interval, OUT p90_step interval, OUT median_total interval, OUT p90_total interval) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 8 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION funnel_steps(journey_funnel, integer) IS
'each step of the funnel: how many came to it, which share of all and of those at the step before, how many were lost there, and how long it took since the step before and since the first (half of the customers, and nine tenths; to one part in 500)';

CREATE FUNCTION funnel_phases(funnel journey_funnel, phases text[], last_steps integer[],
	OUT phase text, OUT first_step integer, OUT last_step integer, OUT entered bigint, OUT completed bigint,
	OUT share double precision, OUT share_of_all double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION funnel_phases(journey_funnel, text[], integer[]) IS
'groups of steps by name, such as before, during and after the purchase, each up to its last step: how many came to its first step, and how many of them to its last';
