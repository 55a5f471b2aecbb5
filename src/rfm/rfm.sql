-- rfm_cuts: where the scores of recency, frequency and monetary value begin

--@io rfm_cuts 1 1

CREATE TYPE rfm_cuts (
	INPUT = rfm_cuts_in, OUTPUT = rfm_cuts_out,
	RECEIVE = rfm_cuts_recv, SEND = rfm_cuts_send,
	ALIGNMENT = double, STORAGE = extended,
	-- An untyped literal or parameter is taken for cut points, not for a number of levels.
	CATEGORY = 'S'
);

COMMENT ON TYPE rfm_cuts IS 'cut points of recency, frequency and monetary value: equal values get equal scores';
COMMENT ON FUNCTION rfm_cuts_in(cstring) IS 'internal: text input, JSON: {"levels": 5, "customers": 2357, "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5}, "frequency": ..., "monetary": ...}';

-- aggregation: customers to cut points

CREATE FUNCTION rfm_cuts_add(rfm_cuts, integer, bigint, double precision) RETURNS rfm_cuts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rfm_cuts_add(rfm_cuts, integer, bigint, double precision, integer) RETURNS rfm_cuts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rfm_cuts_merge(rfm_cuts, rfm_cuts) RETURNS rfm_cuts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rfm_cuts_final(rfm_cuts) RETURNS rfm_cuts
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION rfm_cuts_add(rfm_cuts, integer, bigint, double precision) IS 'internal: counts one customer';
COMMENT ON FUNCTION rfm_cuts_add(rfm_cuts, integer, bigint, double precision, integer) IS 'internal: counts one customer';
COMMENT ON FUNCTION rfm_cuts_merge(rfm_cuts, rfm_cuts) IS 'internal: the customers of both states';
COMMENT ON FUNCTION rfm_cuts_final(rfm_cuts) IS 'internal: the cut points of the customers counted';

CREATE AGGREGATE rfm_cuts(recency_days integer, frequency bigint, monetary double precision) (
--@aggregate rfm_cuts rfm_cuts_add 262144
COMMENT ON AGGREGATE rfm_cuts(integer, bigint, double precision) IS 'cut points of five levels; customers of unknown recency or frequency are left out, and those of unknown monetary value count in the other two';
CREATE AGGREGATE rfm_cuts(recency_days integer, frequency bigint, monetary double precision, levels integer) (
--@aggregate rfm_cuts rfm_cuts_add 262144
COMMENT ON AGGREGATE rfm_cuts(integer, bigint, double precision, integer) IS 'cut points of 2 to 10 levels; customers of unknown recency or frequency are left out, and those of unknown monetary value count in the other two';

-- scores

CREATE FUNCTION rfm_score(recency_days integer, frequency bigint, monetary double precision, cuts rfm_cuts) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rfm_score(integer, bigint, double precision, rfm_cuts) IS 'scores of a customer by given cut points: ''545'', one character each for recency, frequency and monetary value, the highest is best (A is 10); - where all spend the same, or what this customer spent is not known; with other than five levels followed by their number, ''333/3''; NULL where recency or frequency is not known';
CREATE FUNCTION rfm_score(recency_days integer, frequency bigint, monetary double precision, levels integer DEFAULT 5) RETURNS text
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'rfm_score_window';
COMMENT ON FUNCTION rfm_score(integer, bigint, double precision, integer) IS 'scores of a customer among those of the window''s partition: ''545'', one character each for recency, frequency and monetary value, the highest is best (A is 10); - where all spend the same, or what this customer spent is not known; with other than five levels followed by their number, ''333/3''; NULL where recency or frequency is not known';

-- accessors of cut points

CREATE FUNCTION customer_count(cuts rfm_cuts) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'rfm_cuts_customer_count';
COMMENT ON FUNCTION customer_count(rfm_cuts) IS 'number of customers that the cut points come from';
CREATE FUNCTION rfm_levels(cuts rfm_cuts, OUT dimension text, OUT levels integer, OUT effective_levels integer)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rfm_levels(rfm_cuts) IS 'requested levels, and the number of different scores: fewer where many have equal values';
CREATE FUNCTION rfm_cut_points(cuts rfm_cuts, OUT dimension text, OUT score integer, OUT bound double precision, OUT attained boolean)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 15 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rfm_cut_points(rfm_cuts) IS 'where each score begins: recency < bound, frequency > bound, monetary > bound; and whether any customer gets it';
