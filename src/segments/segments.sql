-- segment_rules: which RFM scores belong to which segment

--@io segment_rules 1 1

CREATE TYPE segment_rules (
	INPUT = segment_rules_in, OUTPUT = segment_rules_out,
	RECEIVE = segment_rules_recv, SEND = segment_rules_send,
	STORAGE = extended,
	-- An untyped literal or parameter is taken for rules, not for a number of levels.
	CATEGORY = 'S'
);

COMMENT ON TYPE segment_rules IS 'names for RFM scores of so many levels: a set of rules, each a segment and its ranges of r, f and m';
COMMENT ON FUNCTION segment_rules_in(cstring) IS 'internal: text input, JSON: {"levels": 5, "rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, ...]}; a range left out means any score, levels left out five';

-- aggregation: rows to rules, rules to rules

CREATE FUNCTION segment_rules_add(segment_rules, text, int4range, int4range, int4range) RETURNS segment_rules
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION segment_rules_add(segment_rules, text, int4range, int4range, int4range, integer) RETURNS segment_rules
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION segment_rules_merge(segment_rules, segment_rules) RETURNS segment_rules
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION segment_rules_add(segment_rules, text, int4range, int4range, int4range) IS 'internal: adds one rule';
COMMENT ON FUNCTION segment_rules_add(segment_rules, text, int4range, int4range, int4range, integer) IS 'internal: adds one rule';
COMMENT ON FUNCTION segment_rules_merge(segment_rules, segment_rules) IS 'internal: all rules of both';

CREATE AGGREGATE segment_rules(segment text, r int4range, f int4range, m int4range) (
	SFUNC = segment_rules_add, STYPE = segment_rules,
	COMBINEFUNC = segment_rules_merge,
	SSPACE = 1024, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segment_rules(text, int4range, int4range, int4range) IS 'rules for scores of five levels as a value; a range of NULL means any score, an open end the lowest or highest, m 0 that there is no monetary score, and rows without a segment are skipped';
CREATE AGGREGATE segment_rules(segment text, r int4range, f int4range, m int4range, levels integer) (
	SFUNC = segment_rules_add, STYPE = segment_rules,
	COMBINEFUNC = segment_rules_merge,
	SSPACE = 1024, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segment_rules(text, int4range, int4range, int4range, integer) IS 'rules for scores of 2 to 10 levels as a value; a range of NULL means any score, an open end the lowest or highest, m 0 that there is no monetary score, and rows without a segment are skipped';
CREATE AGGREGATE rollup(rules segment_rules) (
	SFUNC = segment_rules_merge, STYPE = segment_rules,
	COMBINEFUNC = segment_rules_merge,
	SSPACE = 1024, PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(segment_rules) IS 'merges rules: all rules of all of them';

-- segments

CREATE FUNCTION segment_of(score text, levels integer DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION segment_of(text, integer) IS 'segment of a score by the built-in rules for its levels, 3, 4 or 5 (levels says how many, if the score does not and they are not five): Champions, Loyal, Potential loyalists, New, Promising, Need attention, About to sleep, At risk, Can''t lose them, Hibernating, Lost';
CREATE FUNCTION segment_of(score text, rules segment_rules) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segment_of_rules';
COMMENT ON FUNCTION segment_of(text, segment_rules) IS 'segment of a score by your own rules: of those that cover it the one that covers the fewest codes, among equals the first by name; NULL if none does';

CREATE FUNCTION default_segment_rules(levels integer DEFAULT 5) RETURNS segment_rules
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION default_segment_rules(integer) IS 'the built-in rules for 3, 4 or 5 levels as a value: each code, with a monetary score or without, belongs to exactly one segment';

CREATE FUNCTION segment_rules_check(rules segment_rules, levels integer DEFAULT NULL, OUT score text, OUT segments text[])
RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION segment_rules_check(segment_rules, integer) IS 'codes that no segment claims, or more than one: the most specific first; no rows if every code belongs to exactly one; levels, if given, must be those of the rules';

CREATE FUNCTION unnest(rules segment_rules, OUT segment text, OUT r int4range, OUT f int4range, OUT m int4range)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 20 AS 'MODULE_PATHNAME', 'segment_rules_unnest';
COMMENT ON FUNCTION unnest(segment_rules) IS 'the rules as rows, in the order in which they are tried; a range of NULL means any score';
