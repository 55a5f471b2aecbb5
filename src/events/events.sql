-- event_study: orders around an event

--@value event_study 5 1 int4 -- the orders of customers around an event in their life, and of matched customers around the same day
COMMENT ON FUNCTION event_study_in(cstring) IS 'internal: text input, JSON: {"counts": [[0, 773094113310, 1], ...]}, each element what is counted (0 customers by windows: before x 2^32 + after x 2^16 + gap, 1 orders and 2 orders of matched customers by the day from the event + 109500, 3 matched customers, 4 sums of products of the orders before and after of each customer and of those matched, and of the squares of how many are matched, 5 to 8 orders before and after by customer, and of those matched, by a hash of the history), a detail and a count';

--@merge event_study 5

CREATE FUNCTION event_study_add(event_study, purchase_history, date, integer, integer, integer) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, integer, integer, integer) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, before_days integer, after_days integer, gap_days integer) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, integer, integer, integer) IS
'customers with an event, without matched customers: what the season changes counts as an effect; orders in after_days from the event on, and in before_days that end gap_days before it; events with NULL are left out and counted';

CREATE FUNCTION event_study_add(event_study, purchase_history, date, integer, integer, integer, date) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, integer, integer, integer, date) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, before_days integer, after_days integer, gap_days integer, observed_until date) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, integer, integer, integer, date) IS
'customers with an event, without matched customers: what the season changes counts as an effect; orders in after_days from the event on, and in before_days that end gap_days before it; events whose days after are not over by observed_until are left out and counted; so are those with NULL';

CREATE FUNCTION event_study_add(event_study, purchase_history, date, purchase_history, integer, integer, integer) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'event_study_add_matched';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, purchase_history, integer, integer, integer) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, matched_history purchase_history, before_days integer, after_days integer, gap_days integer) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, purchase_history, integer, integer, integer) IS
'customers with an event, each with a matched customer without the event: in the same tile of the rate before it; orders in after_days from the event on, and in before_days that end gap_days before it; events with NULL or without a match are left out and counted';

CREATE FUNCTION event_study_add(event_study, purchase_history, date, purchase_history, integer, integer, integer, date) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'event_study_add_matched';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, purchase_history, integer, integer, integer, date) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, matched_history purchase_history, before_days integer, after_days integer, gap_days integer, observed_until date) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, purchase_history, integer, integer, integer, date) IS
'customers with an event, each with a matched customer without the event: in the same tile of the rate before it; orders in after_days from the event on, and in before_days that end gap_days before it; events whose days after are not over by observed_until are left out and counted; so are those with NULL, and those without a match';

CREATE FUNCTION event_study_add(event_study, purchase_history, date, purchase_history[], integer, integer, integer) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'event_study_add_all_matched';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, purchase_history[], integer, integer, integer) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, matched_histories purchase_history[], before_days integer, after_days integer, gap_days integer) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, purchase_history[], integer, integer, integer) IS
'customers with an event, each with several matched customers, of whom all should have as many; orders in after_days from the event on, and in before_days that end gap_days before it; events with NULL or without a match are left out and counted';

CREATE FUNCTION event_study_add(event_study, purchase_history, date, purchase_history[], integer, integer, integer, date) RETURNS event_study
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'event_study_add_all_matched';
COMMENT ON FUNCTION event_study_add(event_study, purchase_history, date, purchase_history[], integer, integer, integer, date) IS 'internal: adds one customer';

CREATE AGGREGATE event_study(history purchase_history, event_on date, matched_histories purchase_history[], before_days integer, after_days integer, gap_days integer, observed_until date) (
--@aggregate event_study event_study_add 3000
COMMENT ON AGGREGATE event_study(purchase_history, date, purchase_history[], integer, integer, integer, date) IS
'customers with an event, each with several matched customers, of whom all should have as many; orders in after_days from the event on, and in before_days that end gap_days before it; events whose days after are not over by observed_until are left out and counted; so are those with NULL, and those without a match';

--@rollup event_study study 3000 -- merges different customers: regions, shards
--@union event_study -- the customers of both

CREATE FUNCTION event_effect(study event_study, level double precision DEFAULT 0.9, OUT customers bigint, OUT matched bigint,
	OUT rate_before double precision, OUT rate_after double precision,
	OUT rate_ratio double precision, OUT ratio_low double precision, OUT ratio_high double precision,
	OUT matched_ratio double precision, OUT effect double precision, OUT low double precision, OUT high double precision,
	OUT p double precision, OUT left_out bigint, OUT status text,
	OUT low_by_customer double precision, OUT high_by_customer double precision, OUT p_by_customer double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_effect(event_study, double precision) IS
'orders per day before and after, their ratio with its exact interval, that of the matched, and the effect: the ratio of both ratios, with interval and p of none, of orders as Poisson counts, and by_customer from how far customers vary, which holds also where orders of one depend on each other and the same customer is matched with several events (NULL of fewer than ten customers); status overdispersed: only the latter holds; added_half: a count was 0, and a half was added to all; uneven_matches: events with many matched customers decide what these do (the numbers vary by more than a quarter of their mean)';

CREATE FUNCTION event_curve(study event_study, step_days integer DEFAULT 7, level double precision DEFAULT 0.9,
	OUT from_day integer, OUT until_day integer, OUT orders bigint, OUT rate double precision, OUT matched_rate double precision,
	OUT rate_ratio double precision, OUT low double precision, OUT high double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_curve(event_study, integer, double precision) IS
'orders per day in steps around the event (day 0), and their ratio to those before';

CREATE FUNCTION recovery_effect(solved event_study, unsolved event_study, level double precision DEFAULT 0.9,
	OUT solved_effect double precision, OUT unsolved_effect double precision, OUT recovery double precision,
	OUT low double precision, OUT high double precision, OUT p double precision, OUT status text,
	OUT low_by_customer double precision, OUT high_by_customer double precision, OUT p_by_customer double precision) RETURNS record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recovery_effect(event_study, event_study, double precision) IS
'what solving complaints is worth: the effects of complaints that were and were not solved, each against matched customers who had none (those who complain buy more than others), and their ratio; by_customer as in event_effect, also where the same customer counts in both studies';

-- changes of one customer

CREATE FUNCTION rate_change(history purchase_history, as_of date, prior double precision DEFAULT 0.1,
	OUT changed_on date, OUT rate_before double precision, OUT rate_after double precision, OUT log_lr double precision,
	OUT p double precision, OUT prob double precision, OUT log_bayes_factor double precision, OUT status text) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'purchase_rate_change';
COMMENT ON FUNCTION rate_change(purchase_history, date, double precision) IS
'the day after which the customer''s rate of transactions changed most, if it did: p of as large a log-likelihood ratio on any day without a change, and the probability of a change with this prior; the first and the last tenth of the days are not searched, and status at_the_edge says that the ratio is larger there, where the change may have been';

CREATE FUNCTION mix_change(before bigint[], after bigint[], OUT g double precision, OUT df integer, OUT p double precision,
	OUT log_bayes_factor double precision) RETURNS record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'purchase_mix_change';
COMMENT ON FUNCTION mix_change(bigint[], bigint[]) IS
'whether the shares of categories changed: G test, and the Bayes factor of two mixes against one; an element that is NULL counts as 0, as an outer join gives it for a category without orders';

-- events that were missed

CREATE FUNCTION event_allowed(kind text, consent boolean DEFAULT NULL) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_allowed(text, boolean) IS
'whether an event may be used: with consent, and without it unless it was refused, or the kind is blank or sensitive, in English: one with the word adopted, adoption, bankrupt, bankruptcy, bereaved, bereavement, birth, dead, death, debt, deceased, died, disability, disabled, divorce, divorced, fertility, funeral, health, ill, illness, job loss, marriage, married, miscarriage, pregnancy, pregnant, religion, religious, separated, separation, sexuality, sick, sickness, stillbirth, wedding or widowed, or its plural';

CREATE FUNCTION event_status(kind text, event_on date, log contact_log, within_days integer, consent boolean DEFAULT NULL,
	as_of date DEFAULT NULL) RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION event_status(text, date, contact_log, integer, boolean, date) IS
'contacted, if there is a contact within so many days from the day of the event on (UTC), missed, open, if on as_of these days are not over yet, or no_consent, if it may not be used';

CREATE FUNCTION event_contacts_add(rate_index, text, date, contact_log, integer) RETURNS rate_index
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'event_contacts_add';
COMMENT ON FUNCTION event_contacts_add(rate_index, text, date, contact_log, integer) IS 'internal: adds one event';

CREATE AGGREGATE event_contacts(kind text, event_on date, log contact_log, within_days integer) (
--@aggregate rate_index event_contacts_add 2000
COMMENT ON AGGREGATE event_contacts(text, date, contact_log, integer) IS
'events, a row for each: by kind, how many were followed by a contact within so many days; those of sensitive kinds (there is no column of consent) and those with NULL are left out and counted';

CREATE FUNCTION event_contacts_add(rate_index, text, date, contact_log, integer, boolean) RETURNS rate_index
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'event_contacts_add';
COMMENT ON FUNCTION event_contacts_add(rate_index, text, date, contact_log, integer, boolean) IS 'internal: adds one event';

CREATE AGGREGATE event_contacts(kind text, event_on date, log contact_log, within_days integer, consent boolean) (
--@aggregate rate_index event_contacts_add 2000
COMMENT ON AGGREGATE event_contacts(text, date, contact_log, integer, boolean) IS
'events, a row for each: by kind, how many were followed by a contact within so many days; those of sensitive kinds without consent and those with NULL are left out and counted';

CREATE FUNCTION missed_events(events rate_index, level double precision DEFAULT 0.9, OUT kind text, OUT events_known bigint,
	OUT contacted bigint, OUT missed bigint, OUT share_missed double precision, OUT low double precision, OUT high double precision) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT segment, total, good, total - good, 1 - rate, 1 - i.high_any_prior, 1 - i.low_any_prior FROM rate_indices(events, level) AS i;
END;
COMMENT ON FUNCTION missed_events(rate_index, double precision) IS
'of each kind of event, from event_contacts: how many were followed by a contact and how many were missed, and the interval of their share (drawn towards that of all kinds as far as they are few)';
