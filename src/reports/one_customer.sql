-- customer_snapshot, customer_action: what tables of all customers say of one

CREATE FUNCTION customer_snapshot(snapshots regclass, customer text, as_of date,
	OUT segment text, OUT segment_changed_on date, OUT previous_segment text,
	OUT lifecycle text, OUT lifecycle_changed_on date, OUT previous_lifecycle text, OUT clv double precision, OUT changed_on date)
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_snapshot(regclass, text, date) IS
'where a customer stood on a day by the snapshots of create_snapshots, since when, and where before; NULL if they were not among the scores';

CREATE FUNCTION customer_action(actions regclass, customer text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_action(regclass, text) IS
'the next best action of a customer in a table of them (customer_id, contact; optional why, action, expected_gain, slot, cost: what next_best_actions gives); of several the one that is taken and gains most; NULL if there is none';

-- customer_360: one customer on one page

CREATE FUNCTION customer_360(customer text, history purchase_history, model clv_model, cuts rfm_cuts, as_of date,
	rules segment_rules DEFAULT NULL, horizon_days integer DEFAULT 365, margin double precision DEFAULT 1,
	previous_segment text DEFAULT NULL, segment_changed_on date DEFAULT NULL,
	journey journey DEFAULT NULL, journey_within interval DEFAULT '30 days',
	contacts contact_log DEFAULT NULL, contact_cap integer DEFAULT NULL, cap_days double precision DEFAULT 7,
	events jsonb DEFAULT NULL, event_days integer DEFAULT 14,
	need replenishment DEFAULT NULL, need_history purchase_history DEFAULT NULL,
	pairs item_pairs DEFAULT NULL, items text[] DEFAULT NULL, counts bigint[] DEFAULT NULL, unavailable text[] DEFAULT NULL,
	action jsonb DEFAULT NULL, language text DEFAULT 'en',
	snapshots regclass DEFAULT NULL, actions regclass DEFAULT NULL) RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL RESTRICTED COST 10000
BEGIN ATOMIC
	WITH day AS (
		SELECT history_until(customer_360.history, customer_360.as_of) AS h, customer_360.as_of AS d,
			(customer_360.as_of + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
	)
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'customer', customer_360.customer,
		'as_of', d,
		'history', jsonb_build_object('orders', order_count(h), 'transactions', transaction_count(h), 'spend', total_spend(h, 2),
			'first_order_on', first_order_on(h), 'last_order_on', last_order_on(h), 'recency_days', recency_days(h, d),
			'avg_order_value', rounded(avg_order_value(h)), 'avg_days_between_orders', rounded(avg_days_between_orders(h))),
		'scores', jsonb_build_object('status', score_status(customer_360.history, customer_360.model, d),
			'rfm', rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_360.cuts),
			'alive_prob', rounded(alive_prob(h, customer_360.model, d), 4),
			'churn_prob', rounded(churn_prob(h, customer_360.model, d), 4),
			'expected_transactions', rounded(expected_transactions(h, customer_360.model, customer_360.horizon_days, d), 3),
			'clv', rounded(clv_estimate(h, customer_360.model, customer_360.horizon_days, 0.1, customer_360.margin, d)),
			'next_order_on', next_order_on(h, customer_360.model, 0.5, d),
			'overdue_prob', rounded(overdue_prob(h, customer_360.model, d), 4),
			'why', explain_score(customer_360.history, customer_360.model, customer_360.cuts, customer_360.rules, d, customer_360.language,
				customer_360.horizon_days, customer_360.margin),
			'terms', jsonb_build_object('horizon_days', customer_360.horizon_days, 'margin', customer_360.margin, 'annual_discount', 0.1)),
		'segment', jsonb_build_object(
			'now', CASE WHEN customer_360.rules IS NULL
				THEN segment_of(rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_360.cuts))
				ELSE segment_of(rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_360.cuts), customer_360.rules) END,
			'before', COALESCE(customer_360.previous_segment, was.previous_segment),
			'changed_on', COALESCE(customer_360.segment_changed_on, was.segment_changed_on),
			'lifecycle', lifecycle_of(h, customer_360.model, d),
			'lifecycle_before', was.previous_lifecycle, 'lifecycle_changed_on', was.lifecycle_changed_on,
			'lifecycle_90_days_ago', lifecycle_of(history_until(h, d - 90), customer_360.model, d - 90)),
		'rate', (SELECT CASE WHEN c.status = 'ok' THEN jsonb_build_object('changed_on', c.changed_on, 'before', rounded(c.rate_before * 30, 3),
				'after', rounded(c.rate_after * 30, 3), 'p', rounded(c.p, 4), 'prob', rounded(c.prob, 4)) END
			FROM rate_change(h, d) AS c),
		'journey', (SELECT CASE WHEN customer_360.journey IS NOT NULL THEN jsonb_build_object(
				'level', journey_level(customer_360.journey, customer_360.journey_within),
				'steps', (SELECT jsonb_agg(jsonb_build_object('step', t.step, 'at', t.reached_at AT TIME ZONE 'UTC') ORDER BY t.step)
					FROM journey_times(customer_360.journey, customer_360.journey_within) AS t)) END),
		'contacts', jsonb_build_object('within_cap_days', contacts_within(customer_360.contacts, ends_at, customer_360.cap_days),
			'last_at', CASE WHEN last_contact_at(customer_360.contacts) <= ends_at THEN last_contact_at(customer_360.contacts) AT TIME ZONE 'UTC' END,
			'load', rounded(contact_load(customer_360.contacts, ends_at, customer_360.cap_days), 3),
			'cap', customer_360.contact_cap,
			'may_contact', may_contact(customer_360.contacts, ends_at, customer_360.contact_cap, customer_360.cap_days)),
		'events', (SELECT jsonb_agg(jsonb_build_object('kind', e.event ->> 'kind', 'on', e.event ->> 'on', 'status',
				event_status(e.event ->> 'kind', (e.event ->> 'on')::date, customer_360.contacts, customer_360.event_days, (e.event ->> 'consent')::boolean, d))
				ORDER BY e.event ->> 'on', e.event ->> 'kind')
			FROM jsonb_array_elements(customer_360.events) AS e(event)
			WHERE event_allowed(e.event ->> 'kind', (e.event ->> 'consent')::boolean) AND (e.event ->> 'on')::date <= d),
		'next_need', (SELECT CASE WHEN n.due_on IS NOT NULL THEN jsonb_build_object('due_on', n.due_on, 'low_on', n.low_on, 'high_on', n.high_on) END
			FROM next_need_on(customer_360.need, history_until(customer_360.need_history, d)) AS n),
		'recommended', (SELECT jsonb_agg(jsonb_build_object('item', r.item, 'score', rounded(r.score, 4), 'reason', r.reason) ORDER BY r.score DESC, r.item)
			FROM recommend_items(customer_360.pairs, customer_360.items, customer_360.counts, 5, false, 1, 5, NULL, 0, customer_360.unavailable) AS r),
		'next_best_action', COALESCE(customer_360.action, customer_action(customer_360.actions, customer_360.customer))))
	FROM day, LATERAL customer_snapshot(customer_360.snapshots, customer_360.customer, d) AS was WHERE d IS NOT NULL;
END;
COMMENT ON FUNCTION customer_360(text, purchase_history, clv_model, rfm_cuts, date, segment_rules, integer, double precision, text, date, journey, interval, contact_log, integer, double precision, jsonb, integer, replenishment, purchase_history, item_pairs, text[], bigint[], text[], jsonb, text, regclass, regclass) IS
'what a service agent or a CRM screen shows of one customer, as one JSON from stored values: history, scores and why, segment and lifecycle with their changes, journey, contacts and cap, events ({"kind": ..., "on": ..., "consent": ...}, those that may be used), next need, related things and the next best action; the segment before and the action are given, or found in the tables of create_snapshots (snapshots) and of next_best_actions (actions); what is not given is left out; NULL without a day';
