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
'the next best action of a customer in a table of them (customer_id, contact; optional why, action, expected_gain, slot, cost: what next_best_actions gives); NULL if there is none, and an error if there are several';

-- page_events: the events of a page

CREATE FUNCTION page_events(customer text, events jsonb, OUT kind text, OUT "on" date, OUT consent boolean, OUT problem text) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10 ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION page_events(text, jsonb) IS 'internal: the events that a page is given, and why one of them cannot be read, which is a warning as well';

-- customer_360: one customer on one page

CREATE FUNCTION customer_page(customer text, history purchase_history, model clv_model, cuts rfm_cuts, as_of date,
	rules segment_rules, horizon_days integer, margin double precision,
	previous_segment text, segment_changed_on date,
	journey journey, journey_within interval,
	contacts contact_log, contact_cap integer, cap_days double precision,
	events jsonb, event_days integer,
	need replenishment, need_history purchase_history,
	pairs item_pairs, items text[], counts bigint[], unavailable text[],
	action jsonb, language text,
	snapshots regclass, actions regclass) RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL RESTRICTED COST 10000
BEGIN ATOMIC
	WITH day AS (
		SELECT history_until(customer_page.history, customer_page.as_of) AS h, customer_page.as_of AS d,
			((customer_page.as_of + 1)::timestamp - interval '1 second') AT TIME ZONE 'UTC' AS ends_at
	)
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'customer', customer_page.customer,
		'as_of', d,
		'history', jsonb_build_object('orders', order_count(h), 'transactions', transaction_count(h), 'spend', total_spend(h, 2),
			'first_order_on', first_order_on(h), 'last_order_on', last_order_on(h), 'recency_days', recency_days(h, d),
			'avg_order_value', rounded(avg_order_value(h)), 'avg_days_between_orders', rounded(avg_days_between_orders(h))),
		'scores', jsonb_build_object('status', score_status(customer_page.history, customer_page.model, d),
			'rfm', rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_page.cuts),
			'alive_prob', rounded(alive_prob(h, customer_page.model, d), 4),
			'churn_prob', rounded(churn_prob(h, customer_page.model, d), 4),
			'expected_transactions', rounded(expected_transactions(h, customer_page.model, customer_page.horizon_days, d), 3),
			'clv', rounded(clv_estimate(h, customer_page.model, customer_page.horizon_days, 0.1, customer_page.margin, d)),
			'next_order_on', next_order_on(h, customer_page.model, 0.5, d),
			'overdue_prob', rounded(overdue_prob(h, customer_page.model, d), 4),
			'why', explain_score(customer_page.history, customer_page.model, customer_page.cuts, customer_page.rules, d, customer_page.language,
				customer_page.horizon_days, customer_page.margin),
			'terms', jsonb_build_object('horizon_days', customer_page.horizon_days, 'margin', customer_page.margin, 'annual_discount', 0.1)),
		'segment', jsonb_build_object(
			'now', CASE WHEN customer_page.rules IS NULL
				THEN segment_of(rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_page.cuts))
				ELSE segment_of(rfm_score(recency_days(h, d), order_count(h), total_spend(h), customer_page.cuts), customer_page.rules) END,
			'before', COALESCE(customer_page.previous_segment, was.previous_segment),
			'changed_on', COALESCE(customer_page.segment_changed_on, was.segment_changed_on),
			'lifecycle', lifecycle_of(h, customer_page.model, d),
			'lifecycle_before', was.previous_lifecycle, 'lifecycle_changed_on', was.lifecycle_changed_on,
			'lifecycle_90_days_ago', lifecycle_of(history_until(h, d - 90), customer_page.model, d - 90)),
		'rate', (SELECT CASE WHEN c.status = 'ok' THEN jsonb_build_object('changed_on', c.changed_on, 'before', rounded(c.rate_before * 30, 3),
				'after', rounded(c.rate_after * 30, 3), 'p', rounded(c.p, 4), 'prob', rounded(c.prob, 4)) END
			FROM rate_change(h, d) AS c),
		'journey', (SELECT CASE WHEN customer_page.journey IS NOT NULL THEN jsonb_build_object(
				'level', journey_level(customer_page.journey, customer_page.journey_within),
				'steps', (SELECT jsonb_agg(jsonb_build_object('step', t.step, 'at', (to_jsonb(t.reached_at AT TIME ZONE 'UTC') #>> '{}') || 'Z') ORDER BY t.step)
					FROM journey_times(customer_page.journey, customer_page.journey_within) AS t)) END),
		'contacts', jsonb_build_object('within_cap_days', contacts_within(customer_page.contacts, ends_at, customer_page.cap_days),
			'last_at', CASE WHEN last_contact_at(customer_page.contacts) <= ends_at THEN (to_jsonb(last_contact_at(customer_page.contacts) AT TIME ZONE 'UTC') #>> '{}') || 'Z' END,
			'load', rounded(contact_load(customer_page.contacts, ends_at, customer_page.cap_days), 3),
			'cap', customer_page.contact_cap,
			'may_contact', may_contact(customer_page.contacts, ends_at, customer_page.contact_cap, customer_page.cap_days)),
		'events', (SELECT jsonb_agg(CASE WHEN e.problem IS NULL THEN jsonb_build_object('kind', e.kind, 'on', e."on", 'status',
				event_status(e.kind, e."on", customer_page.contacts, customer_page.event_days, e.consent, d))
				ELSE jsonb_build_object('status', 'unreadable', 'problem', e.problem) END
				ORDER BY e."on", e.kind, e.problem)
			FROM page_events(customer_page.customer, customer_page.events) AS e
			WHERE CASE WHEN e.problem IS NULL THEN event_allowed(e.kind, e.consent) AND e."on" <= d
				ELSE event_allowed(e.kind, e.consent) IS NOT FALSE END),
		'next_need', (SELECT CASE WHEN n.due_on IS NOT NULL THEN jsonb_build_object('due_on', n.due_on, 'low_on', n.low_on, 'high_on', n.high_on) END
			FROM next_need_on(customer_page.need, history_until(customer_page.need_history, d)) AS n),
		'recommended', (SELECT jsonb_agg(jsonb_build_object('item', r.item, 'score', rounded(r.score, 4), 'reason', r.reason) ORDER BY r.score DESC, r.item)
			FROM recommend_items(customer_page.pairs, customer_page.items, customer_page.counts, 5, false, 1, 5, NULL, 0, customer_page.unavailable) AS r),
		'next_best_action', COALESCE(customer_page.action, customer_action(customer_page.actions, customer_page.customer))))
	FROM day, LATERAL customer_snapshot(customer_page.snapshots, customer_page.customer, d) AS was WHERE d IS NOT NULL;
END;
COMMENT ON FUNCTION customer_page(text, purchase_history, clv_model, rfm_cuts, date, segment_rules, integer, double precision, text, date, journey, interval, contact_log, integer, double precision, jsonb, integer, replenishment, purchase_history, item_pairs, text[], bigint[], text[], jsonb, text, regclass, regclass) IS 'internal: the page, which customer_360 calls so that errors name the customer';

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
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_360(text, purchase_history, clv_model, rfm_cuts, date, segment_rules, integer, double precision, text, date, journey, interval, contact_log, integer, double precision, jsonb, integer, replenishment, purchase_history, item_pairs, text[], bigint[], text[], jsonb, text, regclass, regclass) IS
'what a service agent or a CRM screen shows of one customer, as one JSON from stored values: history, scores and why, segment and lifecycle with their changes, journey (all steps that are given, also later ones), contacts and cap, events ({"kind": ..., "on": ..., "consent": ...}, those that may be used; one that cannot be read has the status unreadable, and is a warning), next need, related things and the next best action; the segment before and the action are given, or found in the tables of create_snapshots (snapshots) and of next_best_actions (actions); what is not given is left out; NULL without a day';
