-- Soft errors (PostgreSQL 16 and later): one can ask whether text is a value
-- before casting it, and no text makes the question itself fail.

CREATE TABLE texts (type text, input text);
INSERT INTO texts VALUES
('purchase_history', '{"orders": [["2026-01-01", 5], ["2025-01-01", null]]}'),
('purchase_history', ''), ('purchase_history', '{'), ('purchase_history', '[]'), ('purchase_history', 'null'),
('purchase_history', '{"orders": 5}'), ('purchase_history', '{"orders": [5]}'), ('purchase_history', '{"orders": [[]]}'),
('purchase_history', '{"orders": [["2026-13-01", 5]]}'), ('purchase_history', '{"orders": [["9999999-01-01", 5]]}'),
('purchase_history', '{"orders": [["yesterday", 5]]}'), ('purchase_history', '{"orders": [["2026-01-01", 1e400]]}'),
('purchase_history', '{"orders": [["2026-01-01", {}]]}'), ('purchase_history', '{"orders": [], "x": "\u0000"}'),
('customer_base', '{"timing": [[0, 0, "2026-01-01", 3], [2, 9, "2026-01-01", 1]], "spend": [[2, 10.5, 1]]}'),
('customer_base', '{"timing": [[0, 0, "2026-01-01", 3], [0, 0, "2026-01-01", 3]]}'),
('customer_base', '{"timing": [[1, 0, "2026-01-01", 1]]}'), ('customer_base', '{"timing": [[1, 1, "2026-01-01", 1e30]]}'),
('customer_base', '{"timing": [[1, 1, "2026-01-01", 1]], "spend": [[1, 1e400, 1]]}'),
('customer_base', '{"timing": [[1, 1, "2026-01-01", 1]], "spend_bins": [[1, 1000000, 1, 0, 0, 0]]}'),
('customer_base', '{"timing": [], "observed_until": "today"}'), ('customer_base', '{"timing": [], "left_out": []}'),
('customer_base', '{"timing": [[0, 0, "2026-01-01", 9223372036854775807], [0, 0, "2026-01-02", 9223372036854775807]]}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'),
('season', '{"by": "month"}'), ('season', '{"by": "quarter", "counts": [1, 2, 3, 4]}'), ('season', '{"by": 1}'),
('season', '{"by": "year", "factors": [2]}'), ('season', '{"by": "year", "factors": [1, 1]}'), ('season', '{"by": "year", "counts": [0.5]}'),
('season', '{"by": "year", "factors": [1], "days": [["2025-02-01"]]}'), ('season', '{"by": "year", "factors": [1], "days": [["infinity", 2]]}'), ('season', '{"by": "year", "factors": [1], "slots": 2}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "season": {"by": "year", "factors": [0]}}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "season": {"by": "year", "counts": [7]}}'),
('clv_model', '{"model": "bg/cnbd-k", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1, "k": 2}, "season": {"by": "year", "factors": [1]}}'),
('clv_model', '{"model": 1}'), ('clv_model', '{"model": "bg/nbd", "timing": []}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": "1"}}'), ('clv_model', '{"model": "bg/nbd", "timing": {"r": 1e-400, "alpha": 1, "a": 1, "b": 1}}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "as_of": "infinity"}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "timing_fit": {"iterations": 1e30}}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": []}'),
('clv_holdout', '{"model": "auto", "calibration_until": "today"}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-06-30", "model": "auto", "customers": []}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": [5]}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "fit": {"model":1}}'),
('acquisition_model', '{"method": "naive", "period": "year", "first_period": "2016-01-01", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": true, "iterations": 0}}'),
('acquisition_model', '{"method": "best", "period": "year", "first_period": "2016-01-01", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": true, "iterations": 0}}'),
('acquisition_model', '{"method": "naive", "period": "day", "first_period": "2016-01-01", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": true, "iterations": 0}}'),
('acquisition_model', '{"method": "naive", "period": "year", "first_period": "infinity", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": true, "iterations": 0}}'),
('acquisition_model', '{"method": "naive", "period": "year", "first_period": "2016-01-01", "seasonal": true, "acquired": [1, 2, 3, 4, 5, 6, 7, "8"], "fit": {"converged": true, "iterations": 0}}'),
('acquisition_model', '{"method": "naive"}'),
('rfm_cuts', '{}'), ('rfm_cuts', '{"levels": 99}'), ('rfm_cuts', '{"levels": 5, "counting": {}}'), ('rfm_cuts', '5'),
('segment_rules', '{"rules": [{"segment": "VIP", "r": [4, 5]}]}'),
('segment_transitions', '{"moves": [[null, "A", 3]]}'), ('segment_transitions', '{"moves": [[null, null, 3]]}'), ('segment_transitions', '{"moves": [[1]]}'),
('customer_identities', '{"groups": [["a", "b"]]}'), ('customer_identities', '{"groups": [["a"]]}'), ('customer_identities', '{"groups": [["a", "a"]]}'),
('customer_identities', '{"groups": 1}'), ('customer_identities', '{"groups": [[1, 2]]}'),
('segment_rules', '{"rules": [{}]}'), ('segment_rules', '{"rules": [{"segment": "VIP", "r": [5, 4]}]}'), ('segment_rules', '{"rules": {}}');

SELECT type, input, pg_input_is_valid(input, type) AS valid, sql_error_code, message, detail
FROM texts, pg_input_error_info(input, type) ORDER BY type, texts.ctid;

DROP TABLE texts;
