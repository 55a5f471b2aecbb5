-- rate_prior: how the rates of many units are distributed

--@value rate_prior 5 1 int4 -- how the rates of many units are distributed: proportions, or counts per exposure
COMMENT ON FUNCTION rate_prior_in(cstring) IS 'internal: text input, JSON: {"by": "proportion", "units": [[20, 9, 1]]}, each element a total (or exposure), what is good of it (or events), and the number of units';

--@merge rate_prior 5

CREATE FUNCTION rate_prior_add(rate_prior, bigint, double precision) RETURNS rate_prior
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_prior_add(rate_prior, bigint, double precision) IS 'internal: adds one unit';

CREATE AGGREGATE rate_prior(good bigint, total double precision) (
--@aggregate rate_prior rate_prior_add 13000
COMMENT ON AGGREGATE rate_prior(bigint, double precision) IS
'units, a row for each: how many are good of how many; those with NULL or without any are left out and counted';

CREATE FUNCTION rate_prior_add(rate_prior, bigint, double precision, text) RETURNS rate_prior
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_prior_add(rate_prior, bigint, double precision, text) IS 'internal: adds one unit of this kind';

CREATE AGGREGATE rate_prior(good bigint, total double precision, kind text) (
--@aggregate rate_prior rate_prior_add 13000
COMMENT ON AGGREGATE rate_prior(bigint, double precision, text) IS
'units, a row for each; of kind proportion, or count: events (good) in an exposure (total), such as days, that is kept to one part in 8192';

--@rollup rate_prior prior 13000 -- merges different units of one kind: regions, shards
--@union rate_prior -- the units of both

CREATE FUNCTION rate_prior_params(prior rate_prior, OUT kind text, OUT units double precision, OUT good double precision,
	OUT total double precision, OUT pooled_rate double precision, OUT a double precision, OUT b double precision,
	OUT log_likelihood double precision, OUT left_out bigint, OUT status text) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_prior_params(rate_prior) IS
'the Beta(a, b) distribution of proportions, or the gamma distribution (shape a, rate b) of rates, fitted by maximum likelihood; status alike: units differ no more than by chance, and all have the pooled rate';

CREATE FUNCTION shrunken_rate(prior rate_prior, good bigint, total double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION shrunken_rate(rate_prior, bigint, double precision) IS
'a unit''s rate, drawn towards that of all as far as its own data are few (empirical Bayes)';

CREATE FUNCTION rate_interval(prior rate_prior, good bigint, total double precision, level double precision DEFAULT 0.9,
	OUT low double precision, OUT high double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_interval(rate_prior, bigint, double precision, double precision) IS
'the central interval of a unit''s rate with probability level; it allows for the prior being an estimate, from few units a rough one, and for units that only seem alike';

-- rate_index: rates by segment

--@value rate_index 5 1 int4 -- how many are good of how many, by segment
COMMENT ON FUNCTION rate_index_in(cstring) IS 'internal: text input, JSON: {"segments": [["Champions", 88, 100]]}, each element a segment, what is good and the total';

--@merge rate_index 5

CREATE FUNCTION rate_index_add(rate_index, text, bigint, bigint) RETURNS rate_index
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_index_add(rate_index, text, bigint, bigint) IS 'internal: adds to one segment';

CREATE AGGREGATE rate_index(segment text, good bigint, total bigint) (
--@aggregate rate_index rate_index_add 2000
COMMENT ON AGGREGATE rate_index(text, bigint, bigint) IS
'how many are good of how many, by segment, in any number of rows; those with NULL are left out and counted';

--@rollup rate_index index 2000 -- merges counts of different rows: days, channels, shards
--@union rate_index -- the counts of both

CREATE FUNCTION rate_indices(index rate_index, level double precision DEFAULT 0.9,
	OUT segment text, OUT good bigint, OUT total bigint, OUT rate double precision, OUT shrunk double precision,
	OUT low double precision, OUT high double precision, OUT status text,
	OUT low_any_prior double precision, OUT high_any_prior double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_indices(rate_index, double precision) IS
'each segment''s rate as it is, and drawn towards that of all as far as its data are few, with the interval that would hold it with probability level if the prior, which is estimated from the segments, were known, which is too narrow of few segments; and (any_prior) with the one that holds it whatever prior these segments leave possible';

-- the three questions: need, worth, trust

CREATE FUNCTION rate_mean(rates double precision[], weights double precision[] DEFAULT NULL,
	OUT index double precision, OUT coverage double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rate_mean(double precision[], double precision[]) IS
'the weighted mean of several rates, which is the index of a question; a missing one (NULL) is left out, and coverage is the share of the weights that are there';

CREATE FUNCTION three_questions(need double precision, worth double precision, trust double precision, weights double precision[] DEFAULT NULL,
	OUT total double precision, OUT coverage double precision, OUT need_gain double precision, OUT worth_gain double precision,
	OUT trust_gain double precision, OUT improve text) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION three_questions(double precision, double precision, double precision, double precision[]) IS
'do they have what I need, is it worth going, can I trust them: the weighted geometric mean (a zero cannot be bought off), what 0.01 more of each adds to it, and which adds most; a missing index is left out, and coverage says so';

CREATE FUNCTION question_priorities(need double precision, worth double precision, trust double precision, value_at_stake double precision,
	weights double precision[] DEFAULT NULL, target double precision DEFAULT 1,
	OUT question text, OUT index double precision, OUT gap double precision, OUT importance double precision,
	OUT value_at_stake_here double precision, OUT priority double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION question_priorities(double precision, double precision, double precision, double precision, double precision[], double precision) IS
'one segment''s row of the matrix of segments and questions: how far each index is below the target, its share of the weights, and their product with the value of the segment''s customers';

-- question_weights: what the questions weigh

--@value question_weights 5 1 int4 -- customers by their indices of need, worth and trust, and how many of them bought again
COMMENT ON FUNCTION question_weights_in(cstring) IS 'internal: text input, JSON: {"customers": [[82064091, 40, 22]]}, each element need, worth and trust (in hundredths, three digits each), customers, and how many bought again';

--@merge question_weights 5

CREATE FUNCTION question_weights_add(question_weights, boolean, double precision, double precision, double precision) RETURNS question_weights
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION question_weights_add(question_weights, boolean, double precision, double precision, double precision) IS 'internal: adds one customer';

CREATE AGGREGATE question_weights(repurchased boolean, need double precision, worth double precision, trust double precision) (
--@aggregate question_weights question_weights_add 13000
COMMENT ON AGGREGATE question_weights(boolean, double precision, double precision, double precision) IS
'customers, a row for each: whether they bought later, and their indices (kept to hundredths); those with NULL are left out and counted';

--@rollup question_weights weights 13000 -- merges different customers: regions, shards
--@union question_weights -- the customers of both

CREATE FUNCTION question_weight_params(weights question_weights, level double precision DEFAULT 0.9,
	OUT question text, OUT coefficient double precision, OUT std_error double precision, OUT low double precision,
	OUT high double precision, OUT weight double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION question_weight_params(question_weights, double precision) IS
'logistic regression of buying again on the logarithms of the indices (below 0.005 they count as that), and the weights: shares of the positive coefficients';

CREATE FUNCTION estimated_weights(weights question_weights) RETURNS double precision[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION estimated_weights(question_weights) IS
'the weights alone, as three_questions takes them; NULL if the status of question_weight_params (at its usual level) is not ok';
