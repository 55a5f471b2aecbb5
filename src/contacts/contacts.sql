-- contact_log: when one customer was contacted

--@value contact_log 5 1 int4 -- when one customer was contacted, to the second
COMMENT ON FUNCTION contact_log_in(cstring) IS 'internal: text input, JSON: {"contacts": [["2026-03-01T12:00:00Z", 1]]}, each element a time (UTC) and the number of contacts in that second';

--@merge contact_log 5

CREATE FUNCTION contact_log_add(contact_log, timestamptz) RETURNS contact_log
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION contact_log_add(contact_log, timestamptz) IS 'internal: adds one contact';

CREATE AGGREGATE contact_log(sent_at timestamptz) (
--@aggregate contact_log contact_log_add 128
COMMENT ON AGGREGATE contact_log(timestamptz) IS
'the contacts of one customer; rows without a time are left out';

--@rollup contact_log log 128 -- merges logs of one customer: channels, years, shards
--@union contact_log -- the contacts of both

CREATE FUNCTION contact_count(log contact_log) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'contact_log_contact_count';
COMMENT ON FUNCTION contact_count(contact_log) IS 'contacts in all';

CREATE FUNCTION last_contact_at(log contact_log) RETURNS timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION last_contact_at(contact_log) IS 'the time of the last contact; NULL if there was none';

CREATE FUNCTION contacts_within(log contact_log, as_of timestamptz, days double precision) RETURNS bigint
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION contacts_within(contact_log, timestamptz, double precision) IS
'contacts in the so many times 24 hours that end at as_of; a customer without a log (NULL) has had none';

CREATE FUNCTION contact_load(log contact_log, as_of timestamptz, half_life_days double precision) RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION contact_load(contact_log, timestamptz, double precision) IS
'contacts until as_of, each of which counts half as much after so many days; a customer without a log (NULL) has none';

CREATE FUNCTION may_contact(log contact_log, as_of timestamptz, cap integer, days double precision) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION may_contact(contact_log, timestamptz, integer, double precision) IS
'whether another contact at as_of stays within the cap: fewer than so many in so many days until then; a customer without a log (NULL) may be contacted if the cap is above zero';

-- The same of a day, which is not over before its last second: taken for its midnight, it would not count the contacts on it,
-- and taken for the next one, those of the next day in logs that are kept by day.

CREATE FUNCTION contacts_within(log contact_log, as_of date, days double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN contacts_within(log, ((as_of + 1)::timestamp - interval '1 second') AT TIME ZONE 'UTC', days);
COMMENT ON FUNCTION contacts_within(contact_log, date, double precision) IS
'contacts in the so many days that end with as_of (UTC)';

CREATE FUNCTION contact_load(log contact_log, as_of date, half_life_days double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN contact_load(log, ((as_of + 1)::timestamp - interval '1 second') AT TIME ZONE 'UTC', half_life_days);
COMMENT ON FUNCTION contact_load(contact_log, date, double precision) IS
'contacts until the end of as_of (UTC), each of which counts half as much after so many days';

CREATE FUNCTION may_contact(log contact_log, as_of date, cap integer, days double precision) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN may_contact(log, ((as_of + 1)::timestamp - interval '1 second') AT TIME ZONE 'UTC', cap, days);
COMMENT ON FUNCTION may_contact(contact_log, date, integer, double precision) IS
'whether another contact on as_of stays within the cap: fewer than so many in the so many days that end with it (UTC)';

-- fatigue: how response tires

--@value fatigue 5 1 int4 -- contacts by the number of recent ones: how many responded and how many unsubscribed
COMMENT ON FUNCTION fatigue_in(cstring) IS 'internal: text input, JSON: {"contacts": [[0, 4000, 240, 8]]}, each element the number of recent contacts, contacts, responses and unsubscriptions';

--@merge fatigue 5

CREATE FUNCTION fatigue_add(fatigue, integer, boolean, boolean) RETURNS fatigue
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fatigue_add(fatigue, integer, boolean, boolean) IS 'internal: adds one contact';

CREATE AGGREGATE fatigue(recent_contacts integer, responded boolean, unsubscribed boolean) (
--@aggregate fatigue fatigue_add 13000
COMMENT ON AGGREGATE fatigue(integer, boolean, boolean) IS
'contacts, a row for each: how many there had been in the days before (as contacts_within counts them), and what came of it; those with NULL are left out and counted';

CREATE FUNCTION fatigue_add_counts(fatigue, integer, bigint, bigint, bigint) RETURNS fatigue
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fatigue_add_counts(fatigue, integer, bigint, bigint, bigint) IS 'internal: adds contacts that were counted already';

CREATE AGGREGATE fatigue(recent_contacts integer, contacts bigint, responses bigint, unsubscribed bigint) (
--@aggregate fatigue fatigue_add_counts 13000
COMMENT ON AGGREGATE fatigue(integer, bigint, bigint, bigint) IS
'contacts that were counted already, a row for each number of recent ones; those with NULL are left out and counted';

--@rollup fatigue fatigue 13000 -- merges counts of different contacts: days, channels, shards
--@union fatigue -- the contacts of both

CREATE FUNCTION fatigue_params(fatigue fatigue, design text DEFAULT 'observed', level double precision DEFAULT 0.9,
	OUT param text, OUT estimate double precision, OUT std_error double precision,
	OUT low double precision, OUT high double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fatigue_params(fatigue, text, double precision) IS
'response p0 e^(-kappa c) and unsubscribing h0 e^(eta c) with c recent contacts, by maximum likelihood; errors and intervals take contacts as independent, which several of one customer are not: they are too narrow then, and those of fatigue_params(fatigue[]) hold; status confounded: the number of contacts was not assigned at random (design randomised), so those with many are other customers; poor_fit: the counts are further from the curves than chance takes them';

CREATE FUNCTION fatigue_params(customers fatigue[], design text DEFAULT 'observed', level double precision DEFAULT 0.9,
	OUT param text, OUT estimate double precision, OUT std_error double precision,
	OUT low double precision, OUT high double precision, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 4 AS 'MODULE_PATHNAME', 'fatigue_params_of_customers';
COMMENT ON FUNCTION fatigue_params(fatigue[], text, double precision) IS
'the same from a fatigue value for each customer: the same estimates, with errors from how far customers vary, so that contacts of one may depend on each other; NULL of fewer than ten customers (status few_customers)';

CREATE FUNCTION fatigue_within(customers fatigue[], level double precision DEFAULT 0.9,
	OUT kappa double precision, OUT std_error double precision, OUT low double precision, OUT high double precision,
	OUT customer_count bigint, OUT responses double precision, OUT status text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fatigue_within(fatigue[], double precision) IS
'how fast response falls with recent contacts (e^(-kappa c)), each customer compared with themselves: a fatigue value for each, and whether the engaged get more contacts does not matter; those who responded and had different numbers tell something (customer_count); it holds if contacts do not follow from earlier responses';

CREATE FUNCTION fatigue_curve(fatigue fatigue, margin double precision, cost double precision,
	remaining_value double precision, design text DEFAULT 'observed',
	OUT contact_no integer, OUT marginal_value double precision, OUT cap integer, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION fatigue_curve(fatigue, double precision, double precision, double precision, text) IS
'what the first, second, ... contact within the days counted brings: response times margin, less cost, less the remaining value of those who unsubscribe; and the cap, after which one more costs more than it brings; NULL if response does not fall, or (status not_told) if that value falls with further contacts may be chance, taking contacts as independent, which several of one customer are not: what is said to be told may be chance then, and fatigue_curve(fatigue[], ...) judges by customers; status poor_fit: the counts are further from the curve than chance takes them, so look at them before you follow the cap';

CREATE FUNCTION fatigue_curve(customers fatigue[], margin double precision, cost double precision,
	remaining_value double precision, design text DEFAULT 'observed',
	OUT contact_no integer, OUT marginal_value double precision, OUT cap integer, OUT status text) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'fatigue_curve_of_customers';
COMMENT ON FUNCTION fatigue_curve(fatigue[], double precision, double precision, double precision, text) IS
'the same from a fatigue value for each customer: the same curve, and whether value falls with further contacts is judged by how far customers vary, so that contacts of one may depend on each other; no cap of fewer than ten customers (status few_customers)';

-- relevance_audit: contacts of no use

--@value relevance_audit 5 1 int4 -- contacts by the reasons for which they were trivial
COMMENT ON FUNCTION relevance_audit_in(cstring) IS 'internal: text input, JSON: {"contacts": [[0, 900], [1, 100]]}, each element a set of reasons (the sum of 1 owned, 2 out of stock, 4 buys anyway, 8 low affinity, 16 over the cap, 32 below cost) and the number of contacts';

--@merge relevance_audit 5

CREATE FUNCTION relevance_audit_add(relevance_audit, boolean, boolean, boolean, boolean, boolean, boolean) RETURNS relevance_audit
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION relevance_audit_add(relevance_audit, boolean, boolean, boolean, boolean, boolean, boolean) IS 'internal: adds one contact';

CREATE AGGREGATE relevance_audit(owned boolean, out_of_stock boolean, buys_anyway boolean, low_affinity boolean, over_cap boolean, below_cost boolean) (
--@aggregate relevance_audit relevance_audit_add 2000
COMMENT ON AGGREGATE relevance_audit(boolean, boolean, boolean, boolean, boolean, boolean) IS
'contacts, a row for each, with what made them trivial: the customer owned it already, it was out of stock, they would have bought anyway, had little affinity, were over the cap, or the uplift is below the cost; what is not known (NULL) is no reason';

--@rollup relevance_audit audit 2000 -- merges audits of different contacts: days, channels, shards
--@union relevance_audit -- the contacts of both

CREATE FUNCTION trivial_contacts(audit relevance_audit, OUT reason text, OUT contacts bigint, OUT trivial bigint,
	OUT share double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 7 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION trivial_contacts(relevance_audit) IS
'how many contacts were trivial for each reason, and for any (each contact once), with their share of all';
