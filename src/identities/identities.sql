-- customer_identities: which identifiers belong to one customer

--@value customer_identities 1 1 int4 -- groups of identifiers, each group those of one customer
COMMENT ON FUNCTION customer_identities_in(cstring) IS 'internal: text input, JSON: {"groups": [["17", "a@b.example"], ...]}';

-- aggregation: pairs to groups, groups to groups

CREATE FUNCTION same_customer_add(customer_identities, text, text) RETURNS customer_identities
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'same_customer_add_text';
CREATE FUNCTION same_customer_add(customer_identities, bigint, bigint) RETURNS customer_identities
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'same_customer_add_bigint';
CREATE FUNCTION same_customer_add(customer_identities, uuid, uuid) RETURNS customer_identities
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'same_customer_add_uuid';
CREATE FUNCTION customer_identities_merge(customer_identities, customer_identities) RETURNS customer_identities
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION customer_identities_final(customer_identities) RETURNS customer_identities
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION same_customer_add(customer_identities, text, text) IS 'internal: adds one pair';
COMMENT ON FUNCTION same_customer_add(customer_identities, bigint, bigint) IS 'internal: adds one pair';
COMMENT ON FUNCTION same_customer_add(customer_identities, uuid, uuid) IS 'internal: adds one pair';
COMMENT ON FUNCTION customer_identities_merge(customer_identities, customer_identities) IS 'internal: the groups that both make together (implementation of || operator)';
COMMENT ON FUNCTION customer_identities_final(customer_identities) IS 'internal: the finished groups';

CREATE AGGREGATE same_customer(id_a text, id_b text) (
--@aggregate customer_identities same_customer_add 65536
COMMENT ON AGGREGATE same_customer(text, text) IS 'groups of identifiers: the two of each row are of one customer; rows with a NULL are skipped';
CREATE AGGREGATE same_customer(id_a bigint, id_b bigint) (
--@aggregate customer_identities same_customer_add 65536
COMMENT ON AGGREGATE same_customer(bigint, bigint) IS 'groups of identifiers: the two of each row are of one customer; rows with a NULL are skipped';
CREATE AGGREGATE same_customer(id_a uuid, id_b uuid) (
--@aggregate customer_identities same_customer_add 65536
COMMENT ON AGGREGATE same_customer(uuid, uuid) IS 'groups of identifiers: the two of each row are of one customer; rows with a NULL are skipped';
--@rollup customer_identities groups 65536 -- merges groups: identifiers that any of them puts together, or all of them in turn
--@union customer_identities -- the groups that both make together

-- accessors of the groups

CREATE FUNCTION canonical_id(groups customer_identities, id text) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION canonical_id(customer_identities, text) IS 'the first identifier of the group of an identifier: the one itself if it is in none';
CREATE FUNCTION canonical_id(groups customer_identities, id bigint) RETURNS bigint
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE COST 10 RETURN canonical_id(groups, id::text)::bigint;
COMMENT ON FUNCTION canonical_id(customer_identities, bigint) IS 'the first identifier of the group of an identifier: the one itself if it is in none';
CREATE FUNCTION canonical_id(groups customer_identities, id uuid) RETURNS uuid
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE COST 10 RETURN canonical_id(groups, id::text)::uuid;
COMMENT ON FUNCTION canonical_id(customer_identities, uuid) IS 'the first identifier of the group of an identifier: the one itself if it is in none';

CREATE FUNCTION identity_groups(groups customer_identities, max_size integer DEFAULT 100,
	OUT canonical_id text, OUT id_count integer, OUT too_large boolean, OUT ids text[]) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION identity_groups(customer_identities, integer) IS
'the groups, and which of them are larger than max_size: mostly the work of an identifier that many customers share';

CREATE FUNCTION unnest(groups customer_identities, OUT id text, OUT canonical_id text) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME', 'customer_identities_unnest';
COMMENT ON FUNCTION unnest(customer_identities) IS 'every identifier that is in a group, with the first one of its group';
