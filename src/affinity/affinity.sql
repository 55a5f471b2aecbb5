-- item_pairs: which items go together

--@value item_pairs 100 100 int4 -- which items the same customers (or orders) have
COMMENT ON FUNCTION item_pairs_in(cstring) IS 'internal: text input, JSON: {"units": 10, "items": [["a", 7], ["b", 7]], "pairs": [[0, 1, 5]]}, units, items with their units, and the places of two items with the units that have both';

--@merge item_pairs 5

CREATE FUNCTION item_pairs_add(item_pairs, text[]) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION item_pairs_add(item_pairs, text[]) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items text[]) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(text[]) IS
'customers or orders, a row for each, with their items (at most 1000; larger ones are skipped and counted)';

CREATE FUNCTION item_pairs_add(item_pairs, text[], integer) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'item_pairs_add';
COMMENT ON FUNCTION item_pairs_add(item_pairs, text[], integer) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items text[], max_items integer) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(text[], integer) IS
'customers or orders, a row for each, with their items; those with more than max_items are skipped and counted';

CREATE FUNCTION item_pairs_add(item_pairs, bigint[]) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'item_pairs_add';
COMMENT ON FUNCTION item_pairs_add(item_pairs, bigint[]) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items bigint[]) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(bigint[]) IS
'customers or orders, a row for each, with their items by number (at most 1000; larger ones are skipped and counted)';

CREATE FUNCTION item_pairs_add(item_pairs, bigint[], integer) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'item_pairs_add';
COMMENT ON FUNCTION item_pairs_add(item_pairs, bigint[], integer) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items bigint[], max_items integer) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(bigint[], integer) IS
'customers or orders, a row for each, with their items by number; those with more than max_items are skipped and counted';

CREATE FUNCTION item_pairs_add(item_pairs, uuid[]) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'item_pairs_add';
COMMENT ON FUNCTION item_pairs_add(item_pairs, uuid[]) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items uuid[]) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(uuid[]) IS
'customers or orders, a row for each, with their items by uuid (at most 1000; larger ones are skipped and counted)';

CREATE FUNCTION item_pairs_add(item_pairs, uuid[], integer) RETURNS item_pairs
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'item_pairs_add';
COMMENT ON FUNCTION item_pairs_add(item_pairs, uuid[], integer) IS 'internal: adds one unit';

CREATE AGGREGATE item_pairs(items uuid[], max_items integer) (
--@aggregate item_pairs item_pairs_add 100000
COMMENT ON AGGREGATE item_pairs(uuid[], integer) IS
'customers or orders, a row for each, with their items by uuid; those with more than max_items are skipped and counted';

--@rollup item_pairs pairs 100000 -- merges different customers or orders: regions, shards
--@union item_pairs -- the units of both

CREATE FUNCTION item_pairs_size(pairs item_pairs, OUT units bigint, OUT items bigint, OUT pairs_of_items bigint, OUT skipped bigint) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION item_pairs_size(item_pairs) IS
'units with items, different items, pairs that some unit has, and units skipped as too large';

CREATE FUNCTION item_popularity(pairs item_pairs, OUT item text, OUT units bigint, OUT share double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION item_popularity(item_pairs) IS
'items by how many units have them, and which share of all';

CREATE FUNCTION related_items(pairs item_pairs, item text, by text DEFAULT 'llr', limit_count integer DEFAULT 10,
	shrink double precision DEFAULT 5, asymmetry double precision DEFAULT 0.5,
	OUT related_item text, OUT units bigint, OUT cosine double precision, OUT lift double precision,
	OUT llr double precision, OUT score double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION related_items(item_pairs, text, text, integer, double precision, double precision) IS
'what goes with an item: units that have both, cosine, lift (how many times as often as by chance), log-likelihood ratio, and the score they are ranked by: cosine, shrunk (less where few units have both), lift or llr (its root, negative below chance)';

CREATE FUNCTION recommend_items(pairs item_pairs, items text[], counts bigint[] DEFAULT NULL, limit_count integer DEFAULT 10,
	include_owned boolean DEFAULT false, weight double precision DEFAULT 1, shrink double precision DEFAULT 5,
	popular item_pairs DEFAULT NULL, popularity_weight double precision DEFAULT 0, unavailable text[] DEFAULT NULL,
	due text[] DEFAULT NULL,
	OUT item text, OUT score double precision, OUT own double precision, OUT related double precision,
	OUT popularity double precision, OUT reason text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommend_items(item_pairs, text[], bigint[], integer, boolean, double precision, double precision, item_pairs, double precision, text[], text[]) IS
'what a customer with these items may want: how often they had it (own), plus weight times its shrunk similarities to what they have, plus popularity_weight times its share in popular (those of their segment, say); owned ones only with include_owned, none that is unavailable, and those due (replenishment) first';

-- recommendation_check: how good recommendations are

--@value recommendation_check 5 1 int4 -- how many of the things that customers had next were recommended
COMMENT ON FUNCTION recommendation_check_in(cstring) IS 'internal: text input, JSON: {"sums": [[0, 0, 2], ...]}, each element a sum (0 customers, 1 recall and 2 NDCG in units of 2^-32, 3 hits, 4 and 5 customers and recall of things had before, 6 and 7 of new ones, 8 customers by k), k or 0, and the sum';

--@merge recommendation_check 5

CREATE FUNCTION recommendation_check_add(recommendation_check, text[], text[], text[], integer) RETURNS recommendation_check
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommendation_check_add(recommendation_check, text[], text[], text[], integer) IS 'internal: adds one customer';

CREATE AGGREGATE recommendation_check(recommended text[], owned text[], next_items text[], k integer) (
--@aggregate recommendation_check recommendation_check_add 13000
COMMENT ON AGGREGATE recommendation_check(text[], text[], text[], integer) IS
'customers, a row for each: what was recommended (the best first), what they had before, and what they had next, of which the first k recommendations are checked; those without a next item are left out and counted';

--@rollup recommendation_check recommendations 13000 -- merges different customers: regions, shards
--@union recommendation_check -- the customers of both

CREATE FUNCTION recommendation_quality(recommendations recommendation_check, OUT k integer, OUT customers bigint,
	OUT recall double precision, OUT ndcg double precision, OUT hit_rate double precision,
	OUT repeat_customers bigint, OUT repeat_recall double precision,
	OUT explore_customers bigint, OUT explore_recall double precision, OUT left_out bigint) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommendation_quality(recommendation_check) IS
'the share of the next items that were among the first k, NDCG, the share of customers with a hit, and the recall of what they had before (repeat) and had not (explore) apart';
