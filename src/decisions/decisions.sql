-- response_curve: how response grows with spend per head

--@value response_curve 5 1 int4 -- how response grows with spend per head, as seen at levels of spend that were assigned at random
COMMENT ON FUNCTION response_curve_in(cstring) IS 'internal: text input, JSON: {"levels": [...]} as it was seen, or a curve: {"curve": "exp", "c": 60, "k": 0.15}';

CREATE FUNCTION response_curve_add(response_curve, double precision, double precision) RETURNS response_curve
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION response_curve_add(response_curve, double precision, double precision, bigint) RETURNS response_curve
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION response_curve_merge(response_curve, response_curve) RETURNS response_curve
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';

CREATE FUNCTION response_curve_final(response_curve) RETURNS response_curve
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION response_curve_final(response_curve) IS 'internal: the finished value';
COMMENT ON FUNCTION response_curve_add(response_curve, double precision, double precision) IS 'internal: adds one customer';
COMMENT ON FUNCTION response_curve_add(response_curve, double precision, double precision, bigint) IS 'internal: adds the customers of one level';
COMMENT ON FUNCTION response_curve_merge(response_curve, response_curve) IS 'internal: the levels of both (implementation of || operator)';

CREATE AGGREGATE response_curve(spend_per_head double precision, response double precision) (
--@aggregate response_curve response_curve_add 9000
COMMENT ON AGGREGATE response_curve(double precision, double precision) IS
'an experiment with levels of spend, a row for each customer: what was spent on them, and their response (1 or 0, or any amount); the variance of responses says how certain the curve is';

CREATE AGGREGATE response_curve(spend_per_head double precision, response double precision, heads bigint) (
--@aggregate response_curve response_curve_add 9000
COMMENT ON AGGREGATE response_curve(double precision, double precision, bigint) IS
'an experiment with levels of spend, a row for each level: what was spent per head, the mean response, and of how many; how far the levels are from the curve says how certain it is';

--@rollup response_curve curve 9000 -- merges experiments of the same levels over different customers
--@union response_curve -- the levels of both

CREATE FUNCTION response_params(response response_curve, curve text DEFAULT 'auto',
	OUT curve_name text, OUT param text, OUT estimate double precision, OUT std_error double precision,
	OUT sse double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION response_params(response_curve, text) IS
'the fitted curve: exp c (1 - e^(-k x)), hill c x / (x + h), power a x^e, or auto, the one with the smallest error; status poor_fit: the levels are further from it than chance takes them, as those of a threshold or of a fall after a rise are; its errors are widened by that';

CREATE FUNCTION expected_response(response response_curve, spend_per_head double precision, curve text DEFAULT 'auto') RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION expected_response(response_curve, double precision, text) IS 'the response per head that this spend adds, by the fitted curve';

CREATE FUNCTION marginal_response(response response_curve, spend_per_head double precision, curve text DEFAULT 'auto') RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION marginal_response(response_curve, double precision, text) IS 'the response per head that the next unit of spend adds, by the fitted curve';

-- budget_plan: segments among which a budget is to be divided

--@value budget_plan 5 1 int4 -- segments among which a budget is to be divided: heads, response curve, value of a response and limits
COMMENT ON FUNCTION budget_plan_in(cstring) IS 'internal: text input, JSON: {"segments": [{"segment": "Loyal", "heads": 4000, "curve": {"curve": "exp", "c": 25, "k": 0.3}, "value_per_response": 0.4, "max_per_head": 5}]}';

CREATE FUNCTION budget_plan_add(budget_plan, text, bigint, response_curve, double precision, double precision, double precision) RETURNS budget_plan
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
CREATE FUNCTION budget_plan_merge(budget_plan, budget_plan) RETURNS budget_plan
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION budget_plan_add(budget_plan, text, bigint, response_curve, double precision, double precision, double precision) IS 'internal: adds one segment';
COMMENT ON FUNCTION budget_plan_merge(budget_plan, budget_plan) IS 'internal: the segments of both (implementation of || operator)';

CREATE AGGREGATE budget_plan(segment text, heads bigint, curve response_curve, value_per_response double precision,
	min_per_head double precision, max_per_head double precision) (
	SFUNC = budget_plan_add, STYPE = budget_plan,
	COMBINEFUNC = budget_plan_merge,
	SSPACE = 4000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE budget_plan(text, bigint, response_curve, double precision, double precision, double precision) IS
'segments with their customers, response curve, what a response is worth (the change of customer lifetime value), and limits of spend per head (NULL: none); a segment with another NULL is left out';

CREATE AGGREGATE rollup(plan budget_plan) (
	SFUNC = budget_plan_merge, STYPE = budget_plan, COMBINEFUNC = budget_plan_merge,
	SSPACE = 4000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(budget_plan) IS 'merges plans of different segments';

--@union budget_plan -- the segments of both

CREATE FUNCTION allocate_budget(plan budget_plan, budget double precision, draws integer DEFAULT 200, seed bigint DEFAULT 1,
	level double precision DEFAULT 0.9, beyond_tested boolean DEFAULT false,
	OUT segment text, OUT spend_per_head double precision, OUT spend double precision, OUT value double precision,
	OUT marginal_value double precision, OUT at_limit text, OUT low double precision, OUT high double precision,
	OUT unspent double precision, OUT earns_less double precision, OUT regret double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION allocate_budget(budget_plan, double precision, integer, bigint, double precision, boolean) IS
'the division of a budget with the largest expected value: the last unit brings as much in every segment that is at no limit; with what of the budget is unspent, what earns less than it costs, and what not knowing the curves better costs (regret), each in all; a segment with status poor_fit has a curve that its levels contradict';
