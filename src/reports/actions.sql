-- customer_triggers: whom to contact this morning, and why

CREATE FUNCTION customer_triggers_query(scores regclass, as_of date, days_ahead integer DEFAULT 7,
	needs regclass DEFAULT NULL, events regclass DEFAULT NULL, slots regclass DEFAULT NULL) RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_triggers_query(regclass, date, integer, regclass, regclass, regclass) IS
'text of the query behind customer_triggers';

CREATE FUNCTION customer_triggers(scores regclass, as_of date, days_ahead integer DEFAULT 7,
	needs regclass DEFAULT NULL, events regclass DEFAULT NULL, slots regclass DEFAULT NULL,
	OUT customer_id text, OUT trigger_name text, OUT why text, OUT value_at_stake double precision, OUT slot text) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_triggers(regclass, date, integer, regclass, regclass, regclass) IS
'each customer once, under the trigger that is worth most: overdue, win_back or second_order by scores (a view of create_customer_scores); need by needs (customer_id, item, due_on, value) and anniversary by events (customer_id, event, on, value) of the next days; with the best slot of slots (customer_id, slot)';

-- next_best_actions: whom to contact, within a budget

CREATE FUNCTION next_best_actions_query(candidates regclass, uplift uplift_segments, contact_cost double precision,
	budget double precision DEFAULT NULL, experiment text DEFAULT 'next_best_actions', control_share double precision DEFAULT 0.1,
	cap integer DEFAULT NULL, cap_days double precision DEFAULT 7, as_of "any" DEFAULT NULL::timestamptz) RETURNS text
LANGUAGE C STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_best_actions_query(regclass, uplift_segments, double precision, double precision, text, double precision, integer, double precision, "any") IS
'text of the query behind next_best_actions';

CREATE FUNCTION next_best_actions(candidates regclass, uplift uplift_segments, contact_cost double precision,
	budget double precision DEFAULT NULL, experiment text DEFAULT 'next_best_actions', control_share double precision DEFAULT 0.1,
	cap integer DEFAULT NULL, cap_days double precision DEFAULT 7, as_of "any" DEFAULT NULL::timestamptz,
	OUT customer_id text, OUT contact boolean, OUT why text, OUT action text, OUT expected_gain double precision, OUT slot text,
	OUT cost double precision, OUT total_gain double precision, OUT total_cost double precision) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION next_best_actions(regclass, uplift_segments, double precision, double precision, text, double precision, integer, double precision, "any") IS
'each customer of candidates (customer_id, segment, value of a response; optional action, slot, cost, contacts) once, with the action that brings most: contacted or not, and why; expected gain is the uplift of the segment, drawn towards the mean of all, times value, less cost; most gain per cost first, until the budget is spent; a holdout is kept by assign_group; contacts count for a cap until as_of, as in may_contact: a timestamptz is that moment, a date ends with its last second (UTC)';
