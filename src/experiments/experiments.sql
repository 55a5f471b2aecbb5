-- assignment of units to groups

CREATE FUNCTION assign_group(unit text, experiment text, control_share double precision) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION assign_group(text, text, double precision) IS
'treated or control, by sha256 of experiment and unit: the same at any time and in any language; a wider control share only adds to control';

CREATE FUNCTION assignment_place(unit text, experiment text) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION assignment_place(text, text) IS
'the unit''s place in the experiment, uniform from 0 to 1: units below the control share are in control; width_bucket over it assigns more than two groups';

CREATE FUNCTION experiment_size(base_rate double precision, effect double precision,
	power double precision DEFAULT 0.8, control_share double precision DEFAULT 0.5, level double precision DEFAULT 0.9,
	OUT n_treated bigint, OUT n_control bigint) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION experiment_size(double precision, double precision, double precision, double precision, double precision) IS
'units that an experiment needs to show an effect on a rate with this power, at this level';

-- uplift: what a treated and a control group did

--@value uplift 5 1 double -- what a treated and a control group did in an experiment: counts and exact sums
COMMENT ON FUNCTION uplift_in(cstring) IS 'internal: text input, JSON: {"treated": {"units": 2000, "outcome": [300], "squares": [300]}, "control": {"units": 500, "outcome": [70], "squares": [70]}, "binary": true}';

CREATE FUNCTION uplift_add(uplift, boolean, double precision) RETURNS uplift
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
CREATE FUNCTION uplift_add(uplift, boolean, boolean) RETURNS uplift
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'uplift_add_response';
CREATE FUNCTION uplift_add(uplift, boolean, double precision, double precision) RETURNS uplift
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'uplift_add_before';
CREATE FUNCTION uplift_merge(uplift, uplift) RETURNS uplift
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION uplift_final(uplift) RETURNS uplift
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION uplift_add(uplift, boolean, double precision) IS 'internal: adds one unit';
COMMENT ON FUNCTION uplift_add(uplift, boolean, boolean) IS 'internal: adds one unit that responded or not';
COMMENT ON FUNCTION uplift_add(uplift, boolean, double precision, double precision) IS 'internal: adds one unit with its covariate';
COMMENT ON FUNCTION uplift_merge(uplift, uplift) IS 'internal: the units of both (implementation of || operator)';
COMMENT ON FUNCTION uplift_final(uplift) IS 'internal: the finished value';

CREATE AGGREGATE uplift(treated boolean, outcome double precision) (
--@aggregate uplift uplift_add 6000
COMMENT ON AGGREGATE uplift(boolean, double precision) IS
'what these units did, treated and not: any number as outcome; those with NULL are skipped and counted';

CREATE AGGREGATE uplift(treated boolean, outcome boolean) (
--@aggregate uplift uplift_add 6000
COMMENT ON AGGREGATE uplift(boolean, boolean) IS
'what these units did, treated and not: whether they responded; those with NULL are skipped and counted';

CREATE AGGREGATE uplift(treated boolean, outcome double precision, before double precision) (
--@aggregate uplift uplift_add 6000
COMMENT ON AGGREGATE uplift(boolean, double precision, double precision) IS
'what these units did, treated and not, with the same measure from before the experiment, which takes away the variance it explains (CUPED)';

--@rollup uplift u 6000 -- merges uplifts of different units: days, regions, shards
--@union uplift -- the units of both

CREATE FUNCTION uplift_of_counts(n_treated bigint, responses_treated bigint, n_control bigint, responses_control bigint) RETURNS uplift
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION uplift_of_counts(bigint, bigint, bigint, bigint) IS 'an uplift whose units were counted already';

CREATE FUNCTION uplift_estimate(u uplift, level double precision DEFAULT 0.9, control_share double precision DEFAULT NULL,
	tightest_at bigint DEFAULT 10000,
	OUT n_treated bigint, OUT n_control bigint, OUT mean_treated double precision, OUT mean_control double precision,
	OUT uplift double precision, OUT low double precision, OUT high double precision,
	OUT low_any_time double precision, OUT high_any_time double precision,
	OUT min_detectable double precision, OUT srm_prob double precision, OUT skipped bigint, OUT status text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION uplift_estimate(uplift, double precision, double precision, bigint) IS
'the effect with an interval for one look and one for any number of looks (narrowest at tightest_at units), the smallest effect so many units show with a power of 0.8, and, given the planned control share, how probable arms so unequal are';

-- uplift_segments: an uplift for each segment

--@value uplift_segments 5 1 int4 -- an experiments uplift in each of several segments or tiles
COMMENT ON FUNCTION uplift_segments_in(cstring) IS 'internal: text input, JSON: {"segments": [{"segment": "Champions", "uplift": {...}}]}';

CREATE FUNCTION uplift_segments_add(uplift_segments, text, uplift) RETURNS uplift_segments
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION uplift_segments_add(uplift_segments, integer, uplift) RETURNS uplift_segments
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'uplift_segments_add_tile';
CREATE FUNCTION uplift_segments_merge(uplift_segments, uplift_segments) RETURNS uplift_segments
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION uplift_segments_add(uplift_segments, text, uplift) IS 'internal: adds one segment';
COMMENT ON FUNCTION uplift_segments_add(uplift_segments, integer, uplift) IS 'internal: adds one tile';
COMMENT ON FUNCTION uplift_segments_merge(uplift_segments, uplift_segments) IS 'internal: the segments of both, those of one name merged (implementation of || operator)';

CREATE AGGREGATE uplift_segments(segment text, u uplift) (
	SFUNC = uplift_segments_add, STYPE = uplift_segments,
	COMBINEFUNC = uplift_segments_merge,
	SSPACE = 4000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE uplift_segments(text, uplift) IS 'the uplift of each segment; those of one name are merged';

CREATE AGGREGATE uplift_segments(tile integer, u uplift) (
	SFUNC = uplift_segments_add, STYPE = uplift_segments,
	COMBINEFUNC = uplift_segments_merge,
	SSPACE = 4000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE uplift_segments(integer, uplift) IS 'the uplift of each tile of a score, which must be known from before the experiment';

CREATE AGGREGATE rollup(segments uplift_segments) (
	SFUNC = uplift_segments_merge, STYPE = uplift_segments,
	COMBINEFUNC = uplift_segments_merge,
	SSPACE = 4000, PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(uplift_segments) IS 'merges segments of different units: days, regions, shards';

--@union uplift_segments -- the segments of both, those of one name merged

CREATE FUNCTION unnest(segments uplift_segments, OUT segment text, OUT u uplift) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 20 AS 'MODULE_PATHNAME', 'uplift_segments_unnest';
COMMENT ON FUNCTION unnest(uplift_segments) IS 'the uplift of each segment';

CREATE FUNCTION uplift_shrunk(segments uplift_segments, level double precision DEFAULT 0.9,
	value_per_response double precision DEFAULT 1, cost double precision DEFAULT 0,
	OUT segment text, OUT n_treated bigint, OUT n_control bigint, OUT uplift double precision,
	OUT shrunk double precision, OUT std_error double precision, OUT low double precision, OUT high double precision,
	OUT prob_worth double precision, OUT persuadable boolean, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION uplift_shrunk(uplift_segments, double precision, double precision, double precision) IS
'each segment''s effect, drawn towards the mean of all as far as they may differ by chance, with its interval; and how probable it is that treating a customer of the segment brings more than it costs (persuadable: at least level)';

CREATE FUNCTION uplift_heterogeneity(segments uplift_segments, OUT segment_count integer, OUT q double precision,
	OUT tau2 double precision, OUT p double precision, OUT mean double precision, OUT std_error double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION uplift_heterogeneity(uplift_segments) IS
'whether the effect differs among segments: Cochran''s q, the variance tau2 of true effects (DerSimonian and Laird), the probability p of so much difference by chance, and the mean effect';

CREATE FUNCTION qini_curve(tiles uplift_segments, OUT tile integer, OUT n_treated bigint, OUT n_control bigint,
	OUT share_treated double precision, OUT gain double precision, OUT random_gain double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION qini_curve(uplift_segments) IS
'what treating the tiles of a score one after the other gains over not treating them, and what treating as many at random would';

CREATE FUNCTION qini(tiles uplift_segments, seed bigint DEFAULT 1, draws integer DEFAULT 1000, level double precision DEFAULT 0.9,
	OUT area double precision, OUT random_area double precision, OUT qini double precision,
	OUT low double precision, OUT high double precision, OUT auuc_per_head double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION qini(uplift_segments, bigint, integer, double precision) IS
'the area between the Qini curve and that of random treatment, with an interval by the Poisson bootstrap, and the area per treated unit';
