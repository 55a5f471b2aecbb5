-- What is no value, and what the extension says to it: every rule of every type's text form
-- with a text that breaks it. (Broken bytes: sql/binary_input.sql and test/tap/040_bytes.pl.)

SET datestyle = ISO;
\pset format unaligned
\pset fieldsep '\n    '
\pset tuples_only on

-- SQLSTATE, message, detail and hint. What the server's own parsers say differs from version
-- to version, so of it only the code is shown.
CREATE FUNCTION refused(literal text, type regtype) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text; value text;
BEGIN
	EXECUTE format('SELECT %L::%s::text', literal, type) INTO value;
	RETURN 'ACCEPTED: ' || value;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	IF message ~ 'type json$|unsupported Unicode escape|^date|date/time field|out of range for type' THEN
		RETURN code || ': (the server)';
	END IF;
	RETURN concat_ws('. ', code || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- Every type is a JSON object that has the members it must have, and no others.
SELECT type, string_agg(DISTINCT refused(literal, type::regtype), ' / ')
FROM unnest('{purchase_history,customer_base,customer_identities,clv_model,customer_equity,rfm_cuts,segment_rules,segment_transitions,retention_base,retention_model,period_audit,period_change,cohort_audit,uplift,uplift_segments,response_curve,budget_plan,contact_log,fatigue,relevance_audit,replenishment,hour_profile,hour_prior,rate_prior,rate_index,question_weights,journey,journey_funnel,item_pairs,recommendation_check,event_study,covariate_path,path_base}'::text[]) AS type,
	unnest(ARRAY['', ' ', '{', '}', '{}}', '{"a"', '{"a":}', '{"a":1,}', 'null true', '{"a": NaN}', '{"a": 01}', '{"a": "\u0000"}', '{"a": "\ud800"}',
		E'{"a": "\n"}', '{''a'': 1}', repeat('[', 100)]) AS literal
GROUP BY type ORDER BY type COLLATE "C";
SELECT type, string_agg(DISTINCT refused(literal, type::regtype), ' / ')
FROM unnest('{purchase_history,customer_base,customer_identities,clv_model,customer_equity,rfm_cuts,segment_rules,segment_transitions,retention_base,retention_model,period_audit,period_change,cohort_audit,uplift,uplift_segments,response_curve,budget_plan,contact_log,fatigue,relevance_audit,replenishment,hour_profile,hour_prior,rate_prior,rate_index,question_weights,journey,journey_funnel,item_pairs,recommendation_check,event_study,covariate_path,path_base}'::text[]) AS type,
	unnest('{null,1,true,"\"text\"",[],"[{}]"}'::text[]) AS literal
GROUP BY type ORDER BY type COLLATE "C";
SELECT type, refused('{}', type::regtype), refused('{"surprise": 1}', type::regtype)
FROM unnest('{purchase_history,customer_base,customer_identities,clv_model,customer_equity,rfm_cuts,segment_rules,segment_transitions,retention_base,retention_model,period_audit,period_change,cohort_audit,uplift,uplift_segments,response_curve,budget_plan,contact_log,fatigue,relevance_audit,replenishment,hour_profile,hour_prior,rate_prior,rate_index,question_weights,journey,journey_funnel,item_pairs,recommendation_check,event_study,covariate_path,path_base}'::text[]) AS type
ORDER BY type COLLATE "C";
-- What is quoted is cut where it gets long, and never within a letter.
SELECT refused(format('{"%s": 1}', repeat('ü', 100)), 'purchase_history'), refused('{"": 1}', 'purchase_history');

-- purchase_history: days and amounts
SELECT literal, refused(format('{"orders": %s}', literal), 'purchase_history') FROM (VALUES
	('null'), ('{}'), ('"x"'), ('[1]'), ('[{}]'), ('[[]]'), ('[["2026-01-01"]]'), ('[["2026-01-01", 1, 1]]'),
	('[[null, 1]]'), ('[[20260101, 1]]'), ('[["", 1]]'), ('[["today", 1]]'), ('[["infinity", 1]]'), ('[["-infinity", 1]]'), ('[["epoch", 1]]'),
	('[["20260101", 1]]'), ('[["01/02/2026", 1]]'), ('[["2026-1-1", 1]]'), ('[["2026-01-01T00:00", 1]]'), ('[["2026-01-01 ", 1]]'),
	('[["2026-02-30", 1]]'), ('[["2026-13-01", 1]]'), ('[["2026-00-01", 1]]'), ('[["0000-01-01", 1]]'), ('[["4714-11-23 BC", 1]]'),
	('[["5874898-01-01", 1]]'), ('[["99999999-01-01", 1]]'), ('[["2026-01-01 AD", 1]]'),
	('[["2026-01-01", "1"]]'), ('[["2026-01-01", true]]'), ('[["2026-01-01", []]]'), ('[["2026-01-01", {}]]'),
	('[["2026-01-01", 1e309]]'), ('[["2026-01-01", -1e400]]'), ('[["2026-01-01", 1], ["2026-01-01"]]')) AS v(literal);
-- (The ends of what it holds are values.)
SELECT refused('{"orders": [["5874897-12-31", 1.7976931348623157e308], ["4713-01-01 BC", 5e-324], ["2026-01-01", null]]}', 'purchase_history');

-- customer_base: counts of customers who have the same numbers
SELECT literal, refused(literal, 'customer_base') FROM (VALUES
	('{"timing": {}}'), ('{"timing": [1]}'), ('{"timing": [[0, 0, "2026-01-01"]]}'), ('{"timing": [[0, 0, "2026-01-01", 1, 1, 1, 1, 1]]}'),
	('{"timing": [[-1, 0, "2026-01-01", 1]]}'), ('{"timing": [[0.5, 0, "2026-01-01", 1]]}'), ('{"timing": [["0", 0, "2026-01-01", 1]]}'),
	('{"timing": [[2147483648, 0, "2026-01-01", 1]]}'), ('{"timing": [[1, -1, "2026-01-01", 1]]}'), ('{"timing": [[1, 4294967296, "2026-01-01", 1]]}'),
	('{"timing": [[0, 0, "tomorrow", 1]]}'), ('{"timing": [[0, 0, "2026-01-32", 1]]}'), ('{"timing": [[0, 0, null, 1]]}'),
	('{"timing": [[0, 0, "2026-01-01", 0]]}'), ('{"timing": [[0, 0, "2026-01-01", -1]]}'), ('{"timing": [[0, 0, "2026-01-01", 1e19]]}'),
	('{"timing": [[0, 0, "2026-01-01", 1], [0, 0, "2026-01-01", 1]]}'), ('{"timing": [[0, 1, "2026-01-01", 1]]}'), ('{"timing": [[1, 0, "2026-01-01", 1]]}'),
	('{"timing": [[2, 1, "2026-01-01", 1]]}'), ('{"timing": [[1, 4294967295, "2026-01-01", 1]], "left_out": {"no_amounts": 1}}'),
	('{"timing": [], "observed_until": "infinity"}'), ('{"timing": [], "observed_until": 20260101}'),
	('{"timing": [], "spend": 1}'), ('{"timing": [], "spend": [[1, 1]]}'), ('{"timing": [], "spend": [[0, 1, 1]]}'), ('{"timing": [], "spend": [[1, 0, 1]]}'),
	('{"timing": [], "spend": [[1, -1, 1]]}'), ('{"timing": [], "spend": [[1, 1e309, 1]]}'), ('{"timing": [], "spend": [[1, 1, 0]]}'),
	('{"timing": [], "spend": [[1, 1, 1], [1, 1, 1]]}'), ('{"timing": [], "spend": [[1, 1, 1]]}'), ('{"timing": [[1, 1, "2026-01-01", 1]]}'),
	('{"timing": [[1, 1, "2026-01-01", 1]], "spend": [[2, 1, 1]]}'), ('{"timing": [[1, 1, "2026-01-01", 1]], "spend": [[1, 1, 2]]}'),
	('{"timing": [[1, 1, "2026-01-01", 1]], "spend_bins": [[1, 70000, 1, 0, 0, 0]]}'), ('{"timing": [[1, 1, "2026-01-01", 1]], "spend_bins": [[1, -1, 1, 0, 0, 0]]}'),
	('{"timing": [[1, 1, "2026-01-01", 1]], "spend_bins": [[1, 30000, 0, 1, 1, 1]]}'), ('{"timing": [[1, 1, "2026-01-01", 1]], "spend_bins": [[1, 30000, 1, 9223372036854775807, 0, 0]]}'),
	('{"timing": [], "left_out": 1}'), ('{"timing": [], "left_out": {"no_reason": 1}}'), ('{"timing": [], "left_out": {"no_orders": -1}}'),
	('{"timing": [[0, 0, "2026-01-01", 9223372036854775807], [0, 0, "2026-01-02", 1]]}')) AS v(literal);

-- clv_model: the name of a model, and its parameters
SELECT literal, refused(literal, 'clv_model') FROM (VALUES
	('{"model": 1, "timing": {}}'), ('{"model": "", "timing": {}}'), ('{"model": "BG-NBD", "timing": {}}'), ('{"model": "bg/nbd"}'),
	('{"model": "bg/nbd", "timing": []}'), ('{"model": "bg/nbd", "timing": {}}'), ('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1}}'),
	('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "s": 1}}'), ('{"model": "pareto/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'),
	('{"model": "bg/nbd", "timing": {"r": "1", "alpha": 1, "a": 1, "b": 1}}'), ('{"model": "bg/nbd", "timing": {"r": null, "alpha": 1, "a": 1, "b": 1}}'),
	('{"model": "bg/nbd", "timing": {"r": 0, "alpha": 1, "a": 1, "b": 1}}'), ('{"model": "bg/nbd", "timing": {"r": 1, "alpha": -1, "a": 1, "b": 1}}'),
	('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1e309, "b": 1}}'), ('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1e-320}}')) AS v(literal);
SELECT literal, refused(format('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, %s}', literal), 'clv_model') FROM (VALUES
	('"time_unit_days": 0'), ('"time_unit_days": -7'), ('"time_unit_days": "7"'), ('"time_unit_days": 1e300'), ('"as_of": "now"'), ('"as_of": "infinity"'),
	('"repeat_customers": -1'), ('"repeat_customers": 0.5'), ('"spend": []'), ('"spend": {}'), ('"spend": {"p": 6, "q": 4}'),
	('"spend": {"p": 6, "q": 4, "gamma": 0}'), ('"spend": {"p": 6, "q": 4, "gamma": 15, "delta": 1}'),
	('"spend": {"model": 1, "p": 6, "q": 4, "gamma": 15}'), ('"spend": {"model": "bg/nbd", "p": 6, "q": 4, "gamma": 15}'), ('"spend": {"model": "gamma-gamma", "p": 6}'), ('"spend_fit": {}'), ('"timing_fit": 1'),
	('"timing_fit": {"converged": 1}'), ('"timing_fit": {"iterations": -1}'), ('"timing_fit": {"iterations": 2147483648}'), ('"timing_fit": {"customers": -1}'),
	('"timing_fit": {"log_likelihood": "x"}'), ('"timing_fit": {"prior_sd": -1}'), ('"timing_fit": {"unidentified": "r"}'), ('"timing_fit": {"unidentified": ["p"]}'),
	('"timing_fit": {"unidentified": [1]}'), ('"timing_fit": {"covariance": [1]}'), ('"timing_fit": {"covariance": [-1, 0, 1, 0, 0, 1, 0, 0, 0, 1]}'),
	('"timing_fit": {"covariance": ["1", 0, 1, 0, 0, 1, 0, 0, 0, 1]}'), ('"timing_fit": {"doubt": 1}')) AS v(literal);

-- rfm_cuts: levels, and the cuts between them
SELECT literal, refused(literal, 'rfm_cuts') FROM (VALUES
	('{"levels": 1}'), ('{"levels": 11}'), ('{"levels": 2.5}'), ('{"levels": "2"}'), ('{"levels": 2}'), ('{"levels": 2, "customers": 0}'), ('{"levels": 2, "customers": -1}'),
	('{"levels": 2, "customers": 1e30}'), ('{"levels": 2, "customers": 3, "recency": [1]}'), ('{"levels": 2, "customers": 3, "recency": {"cuts": 1}}'),
	('{"levels": 2, "customers": 3, "recency": {"cuts": []}}'), ('{"levels": 2, "customers": 3, "recency": {"cuts": [1, 2]}}'), ('{"levels": 2, "customers": 3, "recency": {"cuts": ["1"]}}'),
	('{"levels": 2, "customers": 3, "recency": {"cuts": [1], "effective_levels": 3}}'), ('{"levels": 2, "customers": 3, "recency": {"cuts": [1e309], "effective_levels": 1}}'),
	('{"levels": 2, "customers": 3, "recency": {"cuts": [1], "effective_levels": 1, "x": 1}}'), ('{"levels": 2, "counting": {}, "customers": 3}'),
	('{"levels": 2, "counting": 1}'), ('{"levels": 2, "counting": {}}'), ('{"levels": 2, "counting": {"recency": {"values": 0}}}')) AS v(literal);
SELECT literal, refused(format('{"levels": 3, "customers": 9, "recency": {"cuts": [9, 3], "effective_levels": 3},
	"frequency": {"cuts": [1, 2], "effective_levels": 3}, "monetary": {%s}}', literal), 'rfm_cuts') FROM (VALUES
	('"cuts": [2, 1], "effective_levels": 3'), ('"cuts": [1, 2], "effective_levels": 0'), ('"cuts": [1, 2]')) AS v(literal);
-- (recency is better where it is lower)
SELECT refused('{"levels": 3, "customers": 9, "recency": {"cuts": [3, 9], "effective_levels": 3}, "frequency": {"cuts": [1, 2], "effective_levels": 3},
	"monetary": {"cuts": [1, 2], "effective_levels": 3}}', 'rfm_cuts');
SELECT literal, refused(format('{"levels": 2, "counting": {"recency": {"values": [1], "customers": [1]},
	"frequency": {"values": [1], "customers": [1]}, "monetary": {%s}}}', literal), 'rfm_cuts') FROM (VALUES
	('"values": [1], "customers": []'), ('"values": [2, 1], "customers": [1, 1]'), ('"values": [1, 1], "customers": [1, 1]'),
	('"values": [1], "customers": [0]'), ('"values": [1], "customers": [2]'), ('"values": [null], "customers": [1]')) AS v(literal);

-- segment_rules: names, and ranges of scores
SELECT literal, refused(format('{"rules": %s}', literal), 'segment_rules') FROM (VALUES
	('{}'), ('[1]'), ('[[]]'), ('[{}]'), ('[{"segment": null}]'), ('[{"segment": ""}]'), ('[{"segment": 5}]'), ('[{"segment": "A", "s": [1, 2]}]'), ('[{"segment": "A", "r": 1}]'),
	('[{"segment": "A", "r": []}]'), ('[{"segment": "A", "r": [1, 2, 3]}]'), ('[{"segment": "A", "f": [0, 5]}]'), ('[{"segment": "A", "f": [1, 10]}]'), ('[{"segment": "A", "m": [3, 2]}]'),
	('[{"segment": "A", "m": [1.5, 2]}]'), ('[{"segment": "A", "m": ["1", 2]}]')) AS v(literal);
SELECT refused(format('{"rules": [{"segment": "%s"}]}', repeat('ü', 128)), 'segment_rules'),
	refused('{"rules": ' || (SELECT jsonb_agg(jsonb_build_object('segment', n::text))::text FROM generate_series(1, 4097) AS n) || '}', 'segment_rules');

-- segment_transitions: moves, each once
SELECT literal, refused(format('{"moves": %s}', literal), 'segment_transitions') FROM (VALUES
	('{}'), ('[1]'), ('[[]]'), ('[["A", "B"]]'), ('[["A", "B", 1, 1]]'), ('[["A", "B", 0]]'), ('[["A", "B", -1]]'), ('[["A", "B", 1.5]]'), ('[["A", "B", "1"]]'), ('[["A", "B", null]]'),
	('[[null, null, 1]]'), ('[["", "B", 1]]'), ('[["A", 5, 1]]'), ('[["A", "(gone)", 1]]'), ('[["A", "B", 1], ["A", "B", 1]]'), ('[["A", "B", 9223372036854775808]]'),
	('[["A", "B", 9223372036854775807], ["B", "A", 1]]')) AS v(literal);
SELECT refused(format('{"moves": [["%s", "A", 1]]}', repeat('ü', 128)), 'segment_transitions');

-- customer_identities: groups of two or more, each identifier once
SELECT literal, refused(format('{"groups": %s}', literal), 'customer_identities') FROM (VALUES
	('{}'), ('[1]'), ('["a"]'), ('[[]]'), ('[["a"]]'), ('[["a", 1]]'), ('[["a", null]]'), ('[["a", "a"]]'), ('[["a", "b"], ["c", "b"]]')) AS v(literal);
SELECT refused(format('{"groups": [["%s", "a"]]}', repeat('ü', 128)), 'customer_identities');

-- retention_base: a period, and contracts by tenure
SELECT literal, refused(literal, 'retention_base') FROM (VALUES
	('{"tenures": []}'), ('{"period_months": 1}'), ('{"period_months": 1, "period_days": 1, "tenures": []}'), ('{"period_months": 0, "tenures": []}'),
	('{"period_months": -1, "tenures": []}'), ('{"period_days": 0, "tenures": []}'), ('{"period_days": 1.5, "tenures": []}'), ('{"period_months": 100000, "tenures": []}'),
	('{"period_months": "1", "tenures": []}'), ('{"period_months": 1, "tenures": 1}')) AS v(literal);
SELECT literal, refused(format('{"period_months": 1, "tenures": %s}', literal), 'retention_base') FROM (VALUES
	('[1]'), ('[[1, 1]]'), ('[[1, 1, 1, 1]]'), ('[[-1, 0, 1]]'), ('[[1000001, 1, 0]]'), ('[[1, -1, 1]]'), ('[[1, 1, -1]]'), ('[[1, 0.5, 0]]'), ('[[0, 1, 0]]'),
	('[[1, 1, 0], [1, 0, 1]]'), ('[[1, 9223372036854775807, 1]]'), ('[[1, 9223372036854775808, 1]]'), ('[[1, "1", 1]]')) AS v(literal);

-- retention_model: the name of a model, a period, and parameters
SELECT literal, refused(literal, 'retention_model') FROM (VALUES
	('{"model": 1}'), ('{"model": "sbg"}'), ('{"model": "oracle", "period_months": 1, "params": {}}'), ('{"model": "sbg", "period_months": 1}'),
	('{"model": "sbg", "params": {"alpha": 1, "beta": 1}}'), ('{"model": "sbg", "period_months": 0, "params": {"alpha": 1, "beta": 1}}'),
	('{"model": "sbg", "period_months": 1, "params": []}'), ('{"model": "sbg", "period_months": 1, "params": {"alpha": 1}}'),
	('{"model": "sbg", "period_months": 1, "params": {"alpha": 1, "beta": 1, "c": 1}}'), ('{"model": "bdw", "period_months": 1, "params": {"alpha": 1, "beta": 1}}'),
	('{"model": "sbg", "period_months": 1, "params": {"alpha": 0, "beta": 1}}'), ('{"model": "sbg", "period_months": 1, "params": {"alpha": 1, "beta": -1}}'),
	('{"model": "sbg", "period_months": 1, "params": {"alpha": "1", "beta": 1}}'), ('{"model": "sbg", "period_months": 1, "params": {"alpha": 1e309, "beta": 1}}')) AS v(literal);
SELECT literal, refused(format('{"model": "sbg", "period_months": 1, "params": {"alpha": 1, "beta": 1}, "fit": %s}', literal), 'retention_model') FROM (VALUES
	('1'), ('{"doubt": 1}'), ('{"converged": "yes"}'), ('{"iterations": -1}'), ('{"iterations": 1e10}'), ('{"customers": -1}'), ('{"ended": -1}'), ('{"customers": 1, "ended": 2}'),
	('{"prior_sd": -1}'), ('{"log_likelihood": true}'), ('{"unidentified": ["c"]}'), ('{"covariance": []}'), ('{"covariance": [1, 0, -1]}')) AS v(literal);

-- uplift: two arms, whose sums fit their numbers of units
SELECT literal, refused(format('{"treated": %s, "control": {"units": 4, "outcome": [2], "squares": [2]}, "binary": true}', literal), 'uplift') FROM (VALUES
	('1'), ('{}'), ('{"units": -1, "outcome": [], "squares": []}'), ('{"units": 4, "outcome": [2]}'), ('{"units": 4, "outcome": 2, "squares": [2]}'), ('{"units": 4, "outcome": ["2"], "squares": [2]}'),
	('{"units": 4, "outcome": [5], "squares": [5]}'), ('{"units": 4, "outcome": [2], "squares": [1]}'), ('{"units": 4, "outcome": [2], "squares": [3]}'), ('{"units": 4, "outcome": [1.5], "squares": [1.5]}'),
	('{"units": 0, "outcome": [1], "squares": [1]}'), ('{"units": 4, "outcome": [1e301], "squares": [2]}'), ('{"units": 4, "outcome": [2], "squares": [2], "products": [2]}'),
	('{"units": 4, "outcome": [2], "squares": [2], "before": [2], "before_squares": [2], "products": [2]}'), ('{"units": 1e16, "outcome": [2], "squares": [2]}')) AS v(literal);
SELECT refused('{"treated": {"units": 1, "outcome": [], "squares": []}}', 'uplift'), refused('{"treated": {"units": 1, "outcome": [], "squares": []}, "control": {"units": 1, "outcome": [], "squares": []}}', 'uplift');
SELECT literal, refused(format('{"segments": %s}', literal), 'uplift_segments') FROM (VALUES ('1'), ('[1]'), ('[{}]'), ('[{"segment": "A"}]'), ('[{"segment": "A", "uplift": {}}]'),
	('[{"segment": "", "uplift": {"treated": {"units": 0, "outcome": [], "squares": []}, "control": {"units": 0, "outcome": [], "squares": []}, "binary": true}}]'),
	('[{"segment": "A", "uplift": {"treated": {"units": 0, "outcome": [], "squares": []}, "control": {"units": 0, "outcome": [], "squares": []}, "binary": true}}, {"segment": "A", "uplift": {"treated": {"units": 0, "outcome": [], "squares": []}, "control": {"units": 0, "outcome": [], "squares": []}, "binary": true}}]')) AS v(literal);

-- response_curve: levels in order, or a curve; budget_plan: segments with curves and limits
SELECT literal, refused(literal, 'response_curve') FROM (VALUES ('{"levels": 1}'), ('{"levels": [1]}'), ('{"levels": [{}]}'), ('{"levels": [{"spend": -1, "heads": 1, "response": [1]}]}'), ('{"levels": [{"spend": 1, "heads": 0, "response": [1]}]}'),
	('{"levels": [{"spend": 1, "heads": 1, "response": [1]}, {"spend": 1, "heads": 1, "response": [1]}]}'), ('{"levels": [{"spend": 1, "heads": 1, "response": [1], "squares": [1]}]}'), ('{"levels": [], "curve": "exp"}'),
	('{"curve": "log"}'), ('{"curve": "exp"}'), ('{"curve": "exp", "c": 1, "h": 1}'), ('{"curve": "exp", "c": -1, "k": 1}'), ('{"curve": "exp", "c": 1, "k": 0}'), ('{"curve": "power", "a": 1, "e": 1}'),
	('{"curve": "exp", "c": 1, "k": 1, "covariance": [1]}'), ('{"curve": "exp", "c": 1, "k": 1, "covariance": [1, 2, 1]}'), ('{"curve": "exp", "c": 1, "k": 1, "tested_max": 0}')) AS v(literal);
SELECT literal, refused(format('{"segments": [%s]}', literal), 'budget_plan') FROM (VALUES ('1'), ('{}'), ('{"segment": "A", "heads": 1, "curve": {"curve": "exp", "c": 1, "k": 1}}'),
	('{"segment": "A", "heads": 1, "curve": {"levels": []}, "value_per_response": 1}'), ('{"segment": "A", "heads": -1, "curve": {"curve": "exp", "c": 1, "k": 1}, "value_per_response": 1}'),
	('{"segment": "A", "heads": 1, "curve": {"curve": "exp", "c": 1, "k": 1}, "value_per_response": 1, "min_per_head": -1}'), ('{"segment": "A", "heads": 1, "curve": {"curve": "exp", "c": 1, "k": 1}, "value_per_response": 1, "min_per_head": 2, "max_per_head": 1}'),
	('{"segment": "A", "heads": 1, "curve": {"curve": "exp", "c": 1, "k": 1}, "value_per_response": 1, "status": "fine"}')) AS v(literal);

--
-- Texts that nobody thought of: valid ones, changed at random. Each is refused as broken text,
-- or it is a value: reads back from its own text, and from its bytes' text, as the same.
--
CREATE TABLE good_texts (type regtype, literal text);
INSERT INTO good_texts VALUES
	('purchase_history', '{"orders": [["2026-01-05", 12.5], ["2026-01-09", null], ["2026-02-01", -3]]}'),
	('customer_base', '{"observed_until": "2026-03-01", "timing": [[0, 0, "2026-01-01", 3], [2, 9, "2026-01-01", 1]], "spend": [[2, 10.5, 1]], "left_out": {"no_orders": 1}}'),
	('customer_base', '{"observed_until": "2026-03-01", "timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 32847, 2, 5, 6, 7]]}'),
	('clv_model', '{"model": "bg/nbd", "time_unit_days": 7, "as_of": "1997-09-30", "timing": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'),
	('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "bg/nbd", "customers": [[1, 5, "2025-01-05", 2, 3]], "acquired_later": [["2025-07-01", 4]], "repeats": [["2025-01-10", 3], ["2025-08-01", 8]], "gaps": [[5, 3]], "fit": {"model": "bg/nbd", "as_of": "2025-06-30", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}}'),
	('customer_equity', '{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 0.3, "annual_discount": 0.15, "customers": 3, "left_out": {"no_orders": 1}, "sums": [[1.5, 1e-20], [1], [2], [], [4], [5], [], [7], [8], [], [10], [11], [], [13], [14], [], [16], [17], [], [19], [20], [], [22], [23], [], [25], [26], [], [28], [29], [], [31], [32], [], [34], [35], [], [37], [38], [], [40]]}'),
	('rfm_cuts', '{"levels": 2, "customers": 4, "recency": {"cuts": [12], "effective_levels": 2}, "frequency": {"cuts": [1], "effective_levels": 2}, "monetary": {"cuts": [45.5], "effective_levels": 2}}'),
	('rfm_cuts', '{"levels": 2, "counting": {"recency": {"values": [1, 5], "customers": [2, 1]}, "frequency": {"values": [1, 2], "customers": [1, 2]}, "monetary": {"values": [9], "customers": [3]}}}'),
	('segment_rules', '{"rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, {"segment": "Größe 数", "r": [1, 3]}]}'),
	('segment_transitions', '{"moves": [[null, "New", 3], ["New", null, 1], ["New", "Größe 数", 2]]}'),
	('customer_identities', '{"groups": [["-5", "17", "a@b.example"], ["größe", "数"]]}'),
	('retention_base', '{"period_months": 12, "tenures": [[0, 0, 5], [1, 4, 2], [3, 1, 6]]}'),
	('contact_log', '{"contacts": [["1999-12-31T23:59:59Z", 1], ["2026-02-20T08:30:00Z", 2]]}'),
	('fatigue', '{"left_out": 1, "contacts": [[0, 40, 24, 8], [1, 50, 26, 14]]}'),
	('relevance_audit', '{"contacts": [[0, 90], [5, 10]]}'),
	('event_study', '{"counts": [[0, 42950197248, 100], [1, 109491, 60]]}'),
	('item_pairs', '{"units": 10, "items": [["a", 7], ["b", 7]], "pairs": [[0, 1, 5]]}'),
	('recommendation_check', '{"sums": [[0, 0, 2], [8, 2, 2]]}'),
	('covariate_path', '{"left_out": 1, "steps": [["2026-01-01", 0, 1.5], ["2026-03-01", 1, 2]]}'),
	('path_base', '{"covariates": 1, "observed_until": "2026-06-30", "left_out": {"no_path": 1}, "customers": [["2026-01-05", 1, 40, 12.5, [1], [[0, 0], [31, 1]], 2]]}'),
	('journey', '{"events": [["2026-03-01T10:05:00Z", 2, 2]]}'),
	('journey_funnel', '{"customers": [[0, 0, 1], [1, 5, 1], [2, 0, 1]]}'),
	('rate_prior', '{"by": "proportion", "units": [[20, 7, 2], [60, 4, 1]]}'),
	('rate_index', '{"segments": [["a", 9, 20]]}'),
	('question_weights', '{"customers": [[82064091, 40, 22]]}'),
	('replenishment', '{"left_out": 3, "customers": [[1, 1, 196328, 1332640882, 588147, 237584802, 0, 0], [3, 2, 435000, 7, 1450000, 9, 3, 1]]}'),
	('hour_profile', '{"by": "daypart", "events": [[2, 3], [4, 8]]}'),
	('hour_prior', '{"by": "weekday", "customers": [[2, 3, 1], [3, 5, 2], [4, 8, 1], [24, 5, 2], [24, 11, 1]]}'),
	('retention_model', '{"model": "sbg", "period_months": 12, "params": {"alpha": 0.668, "beta": 3.806}, "fit": {"converged": true, "iterations": 9, "log_likelihood": -5.5, "customers": 9, "ended": 3, "unidentified": [], "covariance": [0.1, 0, 0.2]}}'),
	('period_audit', '{"since": "2024-01-01", "until": "2025-01-01", "profit": true, "left_out": 1, "customers": [[2, 180.5, 75, 1], [1, 25, -5, 3]]}'),
	('period_change', '{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": false, "customers": [[1, 50, 0, 1, 60.123456789, 0, 1, 2], [0, 0, 0, 1, 5, 0, 0, 1]]}'),
	('cohort_audit', '{"grain": "year", "until": "2025-01-01", "since": "2023-01-01", "profit": true, "customers": [[null, 2], ["2023-01-01", 5]], "active": [["2023-01-01", "2023-01-01", 5]], "orders": [["2023-01-01", "2023-01-01", 8]], "spend": [["2023-01-01", "2023-01-01", 0, 5800000]], "second_order": [["2023-01-01", "2023-01-01", 2]]}'),
	('uplift', '{"treated": {"units": 20, "outcome": [3], "squares": [3]}, "control": {"units": 5, "outcome": [1], "squares": [1]}, "binary": true, "skipped": 2}'),
	('uplift', '{"treated": {"units": 2, "outcome": [0.3, 1e-17], "squares": [0.05], "before": [1], "before_squares": [0.5], "products": [0.15]}, "control": {"units": 1, "outcome": [], "squares": [], "before": [], "before_squares": [], "products": []}, "binary": false}'),
	('uplift_segments', '{"segments": [{"segment": "Größe 数", "uplift": {"treated": {"units": 20, "outcome": [3], "squares": [3]}, "control": {"units": 5, "outcome": [1], "squares": [1]}, "binary": true}}]}'),
	('response_curve', '{"levels": [{"spend": 0, "heads": 10, "response": []}, {"spend": 1.5, "heads": 10, "response": [2], "squares": [2]}], "single_heads": true, "skipped": 1}'),
	('response_curve', '{"curve": "hill", "c": 2, "h": 1.5, "covariance": [0.01, 0.002, 0.04], "tested_max": 5}'),
	('budget_plan', '{"segments": [{"segment": "A", "heads": 1000, "curve": {"curve": "exp", "c": 60, "k": 0.15}, "status": "ok", "value_per_response": 0.4, "min_per_head": 0, "max_per_head": 8}]}');

CREATE FUNCTION changed(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	at int;
	pieces text[] := regexp_split_to_array('0 1 9 - . e 9999999999 1e308 -1 null true [ ] { } " : , \ ü 2026 [] {}', ' ');
BEGIN
	FOR change IN 1 .. 1 + (random() * 2)::int LOOP
		at := 1 + (random() * (length(literal) - 1))::int;
		literal := CASE (random() * 4)::int
			WHEN 0 THEN left(literal, at - 1) || substr(literal, at + 1)
			WHEN 1 THEN left(literal, at) || substr(literal, at)
			WHEN 2 THEN left(literal, at - 1) || pieces[1 + (random() * 22)::int] || substr(literal, at)
			WHEN 3 THEN left(literal, at - 1) || pieces[1 + (random() * 22)::int] || substr(literal, at + 1)
			ELSE left(literal, at) || substr(literal, at + (random() * 20)::int) END;
	END LOOP;
	RETURN literal;
END $$;
-- refused, or accepted and sound; anything else is shown
CREATE FUNCTION verdict(literal text, type regtype) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	sound boolean; code text; message text;
BEGIN
	EXECUTE format('SELECT v = v::text::%2$s AND v::text = v::text::%2$s::text AND v::text::json IS NOT NULL FROM (SELECT %1$L::%2$s AS v) AS x', literal, type) INTO sound;
	RETURN CASE WHEN sound THEN 'accepted' ELSE 'unsound: ' || literal END;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	RETURN CASE WHEN code IN ('22P02', '22008', '22P05', '22003', '54000') THEN 'refused' ELSE concat_ws(' ', code, message, literal) END;
END $$;
SELECT setseed(0.5);
CREATE TABLE verdicts AS
SELECT type, verdict(changed(literal), type) FROM good_texts, generate_series(1, 700) ORDER BY 1;
SELECT type, bool_or(verdict = 'accepted'), bool_or(verdict = 'refused') FROM verdicts GROUP BY type ORDER BY type::text COLLATE "C";
SELECT * FROM verdicts WHERE verdict NOT IN ('accepted', 'refused');

DROP TABLE good_texts, verdicts;
DROP FUNCTION refused, changed, verdict;
