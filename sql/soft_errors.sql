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
('clv_model', '{"model": 1}'), ('clv_model', '{"model": "bg/nbd", "timing": []}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": "1"}}'), ('clv_model', '{"model": "bg/nbd", "timing": {"r": 1e-400, "alpha": 1, "a": 1, "b": 1}}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "as_of": "infinity"}'),
('clv_model', '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "timing_fit": {"iterations": 1e30}}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": []}'),
('clv_holdout', '{"model": "auto", "calibration_until": "today"}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-06-30", "model": "auto", "customers": []}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "customers": [5]}'),
('clv_holdout', '{"calibration_until": "2025-06-30", "holdout_until": "2025-12-31", "model": "auto", "fit": {"model":1}}'),
('rfm_cuts', '{}'), ('rfm_cuts', '{"levels": 99}'), ('rfm_cuts', '{"levels": 5, "counting": {}}'), ('rfm_cuts', '5'),
('segment_rules', '{"rules": [{"segment": "VIP", "r": [4, 5]}]}'),
('segment_rules', '{"rules": [{}]}'), ('segment_rules', '{"rules": [{"segment": "VIP", "r": [5, 4]}]}'), ('segment_rules', '{"rules": {}}');

SELECT type, input, pg_input_is_valid(input, type) AS valid, sql_error_code, message, detail
FROM texts, pg_input_error_info(input, type) ORDER BY type, texts.ctid;

DROP TABLE texts;
