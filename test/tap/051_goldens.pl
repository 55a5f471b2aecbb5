# Values that earlier versions stored and sent can be read for ever.
#
# test/goldens has them, a line each: the version that wrote the value, its type, the bytes on
# disk, the bytes of the binary form, and the text. Lines are never changed. When a version
# writes a form that is not there yet, it adds lines:
#
#   CUSTOMER_CENTRIC_WRITE_GOLDENS=1 prove -I … test/tap/051_goldens.pl
#
# appends what the present version makes of the texts below, where that is new.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = abs_path(dirname(abs_path($0)) . '/../..') . '/test/goldens';

# Every encoding that a type has.
my %texts = (
	customer_base => [
		'{"observed_until": null, "timing": [], "left_out": {"no_orders": 0, "no_repeat_spend": 0, "no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": "2026-03-01", "timing": [[0, 0, "2026-01-02", 3], [2, 31, "2026-01-01", 2]], "spend": [[2, 50.25, 2]], "gaps": [[7, 2], [400, 2]], '
		  . '"left_out": {"no_orders": 1, "no_repeat_spend": 0, "no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": null, "timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 30000, 2, 5, -6, 7]], "left_out": {"no_orders": 0, "no_repeat_spend": 0, '
		  . '"no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": null, "period": "month", "timing": [[1, 3, "2026-01-01", 2]], "left_out": {"no_orders": 0, "no_repeat_spend": 0, "no_amounts": 2, '
		  . '"no_covariates": 0}}',
		'{"observed_until": null, "covariates": [[-1.5, 0], [0, 0], [0, 2]], "timing": [[0, 0, "2026-01-01", 1, 0], [0, 0, "2026-01-01", 2, 1], [1, 3, '
		  . '"2026-01-01", 3, 2]], "left_out": {"no_orders": 0, "no_repeat_spend": 3, "no_amounts": 0, "no_covariates": 1}}'
	],
	clv_model => [
		'{"model": "bg/nbd", "time_unit_days": 7, "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}',
		'{"model": "gg/nbd", "time_unit_days": 1, "as_of": "2026-03-01", "timing": {"r": 0.25, "alpha": 4.5, "b": 0.1, "s": 0.75, "beta": 2.5}, '
		  . '"spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}, "spend_fit": {"converged": true, "iterations": 9, "log_likelihood": -4055.5, "customers": 946, '
		  . '"left_out": 0, "penalty": 0, "prior_sd": 0, "unidentified": [], "covariance": [null, null, null, null, null, null]}}',
		'{"model": "bg/bb", "period": "year", "timing": {"alpha": 1.2, "beta": 0.75, "gamma": 0.65, "delta": 2.8}}',
		'{"model": "pareto/nbd", "time_unit_days": 7, "repeat_customers": 0, "covariates": ["channel", "größe"], "timing": {"r": 0.5, "alpha": 8, "s": 0.75, '
		  . '"beta": 16}, "coefficients": {"rate:channel": 0.5, "rate:größe": -1, "dropout:channel": 0.25, "dropout:größe": 0}, "timing_fit": {"converged": true, '
		  . '"iterations": 7, "log_likelihood": -9594.5, "customers": 2357, "left_out": 0, "penalty": 1, "prior_sd": 10, "unidentified": ["beta", "rate:größe"], '
		  . '"covariance": [null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, '
		  . 'null, null, null, null, null, null, null, null, null, null, null, null, null, null]}, "candidates": [{"model": "pareto/nbd", "param_count": 8, '
		  . '"converged": true, "log_likelihood": -9594.5, "bic": 19220.5}, {"model": "bg/cnbd-k", "param_count": 5, "converged": false, "log_likelihood": null, '
		  . '"bic": null}]}',
		'{"model": "mbg/cnbd-k", "time_unit_days": 7, "timing": {"r": 1.5, "alpha": 3, "a": 0.5, "b": 0.75, "k": 2}}',
		'{"model": "mbg/nbd", "time_unit_days": 7, "as_of": "2026-03-01", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "season": '
		  . '{"by": "year", "factors": [1], "days": [["2025-12-24", 0.25], ["2026-04-05", 3]]}}'
	],
	season => [
		'{"by": "month", "factors": [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.5]}',
		'{"by": "year", "factors": [1], "days": [["2025-12-24", 0.25], ["2026-04-05", 3]]}',
		'{"by": "month", "counts": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0]}'
	],
	clv_holdout => [
		'{"calibration_until": "2026-01-31", "holdout_until": "2026-02-28", "model": "auto", "customers": [], "acquired_later": [["2026-02-03", 2]], '
		  . '"repeats": [], "gaps": [], "fit": null}',
		'{"calibration_until": "2026-01-31", "holdout_until": "2026-02-28", "model": "bg/nbd", "customers": [[0, 0, "2026-01-02", 0, 3], [1, 7, "2026-01-02", '
		  . '1, 2]], "acquired_later": [], "repeats": [["2026-01-09", 2], ["2026-02-03", 2]], "gaps": [[7, 2]], "fit": {"model": "bg/nbd", "time_unit_days": 7, '
		  . '"as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}}',
		'{"calibration_until": "2026-01-31", "holdout_until": "2026-02-28", "model": "bg/nbd", "season": "month", "customers": [[0, 0, "2026-01-02", 0, 3]], '
		  . '"acquired_later": [], "repeats": [], "gaps": [], "fit": null}'
	],
	customer_equity => [
		'{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 1, "annual_discount": 0, "customers": 0, "left_out": {}, "sums": [[], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], []]}',
		'{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 0.3, "annual_discount": 0.15, "customers": 3, "left_out": {"no_orders": 1}, "sums": [[1.5, 1e-20], [1], [2], [], [4], [5], [], [7], [8], [], [10], [11], [], [13], [14], [], [16], [17], [], [19], [20], [], [22], [23], [], [25], [26], [], [28], [29], [], [31], [32], [], [34], [35], [], [37], [38], [], [40]]}',
		'{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 1, "annual_discount": 0, "customers": 0, "left_out": {}, "sums": [[], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], []]}',
		'{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 0.3, "annual_discount": 0.15, "customers": 3, "left_out": {"no_orders": 1}, "sums": [[1.5, 1e-20], [1], [2], [], [4], [5], [], [7], [8], [], [10], [11], [], [13], [14], [], [16], [17], [], [19], [20], [], [22], [23], [], [25], [26], [], [28], [29], [], [31], [32], [], [34], [35], [], [37], [38], [], [40], [41], [42]]}'
	],
	acquisition_model => [
		'{"method": "naive", "period": "quarter", "first_period": "2024-01-01", "seasonal": true, "acquired": [10, 20, 30, 40, 12, 18, 33, 44.5], "fit": {"converged": true, "iterations": 0, "dispersion": 0.375, "mape": [0.125, null, null]}}',
		'{"method": "seasonal", "period": "week", "first_period": "2023-12-25", "seasonal": false, "acquired": [1, 2, 3, 4, 5, 6, 7, 8], "fit": {"converged": false, "iterations": 7, "dispersion": 1.5, "mape": [null, null, null], "params": [1.5, -0.25], "covariance": [1, -0.5, 2]}}',
		'{"method": "weibull-gamma", "period": "year", "first_period": "2016-01-01", "seasonal": false, "acquired": [1, 2, null, 4, 5, 6, 7, 8], "population": [100, 101, 102, 103, 104, 105, 106, 107, 108], "lost": [0, null, 1, 1, 2, 2, 3, 3], "active": [1, null, null, null, null, null, null, null], '
		  . '"event": [0, 0, 1, 0, 0, 0, 0, 0], "fit": {"converged": true, "iterations": 99, "dispersion": 0.5, "mape": [null, null, 0.25], "params": [1, 2, 3, 4, 5, 6, 7, 8, 9], "covariance": [1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]}}'
	],
	purchase_history => [
		'{"orders": []}',
		'{"orders": [["2026-01-05", 12], ["2026-01-09", 7]]}',
		'{"orders": [["1999-12-31", 12.5], ["2026-01-09", -0.01], ["2026-01-09", 687194767.35]]}',
		'{"orders": [["2026-01-05", 0.1234]]}',
		'{"orders": [["4713-01-01 BC", 0.123456789], ["2026-01-09", null], ["5874897-12-31", 1e+300]]}',
		'{"orders": [["2026-01-05", null], ["2026-01-06", null]]}'
	],
	rfm_cuts => [
		'{"levels": 2, "customers": 4, "recency": {"cuts": [12], "effective_levels": 2}, "frequency": {"cuts": [1], "effective_levels": 2}, '
		  . '"monetary": {"cuts": [45.5], "effective_levels": 2}}',
		'{"levels": 5, "customers": 2357, "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5}, "frequency": {"cuts": [1, 1, 1, 2], "effective_levels": 3}, '
		  . '"monetary": {"cuts": [-3, 0, 19.99, 1e+300], "effective_levels": 5}}',
		'{"levels": 10, "customers": 10, "recency": {"cuts": [201, 121, 81, 41, 13, 10, 4, 4, 4], "effective_levels": 8}, "frequency": {"cuts": [1, 1, 1, 1, 1, 1, 2, 2, 3], '
		  . '"effective_levels": 4}, "monetary": {"cuts": [15, 20, 20, 25, 45, 60, 95, 130, 300], "effective_levels": 9}}'
	],
	segment_rules => [ '{"rules": []}', '{"rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, {"segment": "Größe 数", "r": [1, 3]}]}',
		'{"levels": 3, "rules": [{"segment": "Top", "r": [3, 3], "m": [0, 0]}, {"segment": "Any"}]}', '{"levels": 10, "rules": [{"segment": "Top", "f": [10, 10], "m": [1, 10]}]}' ],
	customer_identities => [ '{"groups": []}', '{"groups": [["-5", "17", "a@b.example"], ["größe", "数"]]}' ],
	segment_transitions => [ '{"moves": []}', '{"moves": [[null, "New", 3], ["Größe 数", null, 9000000000], ["Größe 数", "New", 200]]}' ],
	retention_base => [ '{"period_days": 30, "tenures": []}', '{"period_months": 12, "tenures": [[0, 0, 5], [1, 4, 2], [300000, 1, 9000000000]]}' ],
	retention_model => [
		'{"model": "sbg", "period_months": 12, "params": {"alpha": 0.668, "beta": 3.806}}',
		'{"model": "bdw", "period_days": 7, "params": {"alpha": 0.668, "beta": 3.806, "c": 1.5}, "fit": {"converged": true, "iterations": 9, '
		  . '"log_likelihood": -5.5, "customers": 9, "ended": 3, "prior_sd": 10, "unidentified": ["c"], "covariance": [0.1, 0, 0.2, null, null, null]}}'
	],
	contact_log => [ '{"contacts": []}', '{"contacts": [["4713-11-24T00:00:00Z BC", 1], ["1999-12-31T23:59:59Z", 1], ["2026-02-20T08:30:00Z", 2]]}' ],
	fatigue => [ '{"left_out": 1, "contacts": [[0, 4000, 240, 8], [1, 5000, 262, 14], [10000, 9000000000, 0, 0]]}' ],
	relevance_audit => [ '{"contacts": [[0, 900], [5, 100], [63, 1]]}' ],
	replenishment => [ '{"left_out": 3, "customers": [[1, 1, 196328, 1332640882, 588147, 237584802, 0, 0], [3, 2, 435000, 7, 1450000, 9, 3, 1]]}' ],
	hour_profile => [ '{"by": "hour", "events": [[0, 1], [23, 7]]}', '{"by": "weekday", "events": [[7, 2]]}', '{"by": "daypart", "events": []}' ],
	hour_prior => [ '{"by": "daypart", "left_out": 1, "customers": [[2, 3, 1], [3, 5, 2], [4, 8, 1], [24, 5, 2], [24, 11, 1]]}' ],
	rate_prior => [ '{"by": "proportion", "left_out": 1, "units": [[20, 7, 2], [9.007199254740992e+15, 4, 9000000000]]}', '{"by": "count", "units": [[0.100006103515625, 0, 3], [30, 9, 1]]}' ],
	rate_index => [ '{"segments": []}', '{"left_out": 3, "segments": [["Größe 数", 70, 90], ["a", 0, 9000000000]]}' ],
	question_weights => [ '{"left_out": 1, "customers": [[82064091, 40, 22], [100100100, 9000000000, 0]]}' ],
	journey => [ '{"events": []}', '{"left_out": 1, "events": [["4713-11-24T00:00:00Z BC", 1, 1], ["2026-03-01T10:05:00.250000Z", 2, 2], ["2026-03-01T10:05:00.250000Z", 4294967295, 1], ["294276-12-31T23:59:59.999999Z", 0, 1]]}' ],
	journey_funnel => [ '{"left_out": 1, "customers": [[0, 0, 1], [1, 604800000000, 3], [2, 1, 3], [4, 0, 1], [8, 0, 1], [9, 1028, 1], [10, 1028, 1]]}' ],
	item_pairs => [ '{"units": 0, "skipped": 0, "items": [], "pairs": []}', '{"units": 4294967295, "skipped": 3, "items": [["Größe 数", 7], ["b", 4294967295], ["c", 4]], "pairs": [[0, 1, 5], [0, 2, 1], [1, 2, 4]]}' ],
	recommendation_check => [ '{"left_out": 1, "sums": [[0, 0, 2], [1, 0, 4294967296], [3, 0, 1], [8, 2, 2]]}' ],
	covariate_path => [ '{"steps": []}', '{"left_out": 2, "steps": [["4713-01-01 BC", 0, 1.5, null], ["2026-01-01", 0, 1.5, 1e+300], ["5874897-12-31", 1, -0.1, 0]]}' ],
	path_base => [ '{"covariates": 0, "customers": []}', '{"covariates": 2, "observed_until": "2026-06-30", "left_out": {"no_orders": 1, "no_path": 200}, "customers": [["1999-12-31", 0, 0, null, [0, 0], [[0, 1, 0]], 9000000000], '
	  . '["2026-01-05", 1, 40, null, [1, 0], [[0, 0, 0]], 1], ["2026-01-05", 2, 400, 12.5, [1, 0.1], [[0, 0, 0], [31, 1, 0], [1000, 1, -2.5]], 2]]}' ],
	event_study => [ '{"counts": []}', '{"left_out": 2, "counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109505, 9000000000], [3, 0, 100]]}' ],
	period_audit => [
		'{"profit": false, "left_out": 0, "customers": []}',
		'{"since": "2024-01-01", "until": "2025-01-01", "profit": true, "left_out": 1, "customers": [[1, 25, -5.25, 3], [2, 180.5, 75, 1]]}',
		'{"profit": false, "left_out": 0, "customers": [[1, 0.123456789, 0, 9000000000], [2, 1e+300, 0, 1]]}'
	],
	period_change => [
		'{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": true, "left_out": 0, "customers": []}',
		'{"since_1": "2023-01-01", "until_1": "2024-01-01", "since_2": "2024-01-01", "until_2": "2025-01-01", "profit": true, "left_out": 2, '
		  . '"customers": [[0, 0, 0, 1, 5.5, 1, 0, 1], [1, 50, 20, 1, 60, 20, 1, 1]]}'
	],
	cohort_audit => [
		'{"grain": "week", "until": "2025-01-01", "since": null, "profit": false, "customers": []}',
		'{"grain": "year", "until": "2025-01-01", "since": "2023-01-01", "profit": true, "customers": [[null, 2], ["2023-01-01", 5]], '
		  . '"active": [["2023-01-01", "2023-01-01", 5]], "orders": [["2023-01-01", "2023-01-01", 8]], '
		  . '"spend": [["2023-01-01", "2023-01-01", 0, 5800000], ["2023-01-01", "2023-01-01", 34, 1]], '
		  . '"profit_amounts": [["2023-01-01", "2023-01-01", 0, -5]], "second_order": [["2023-01-01", "2023-01-01", 2]], '
		  . '"profit_unknown": [[null, "2024-01-01", 1]]}'
	],
	uplift => [
		'{"treated": {"units": 20, "outcome": [3], "squares": [3]}, "control": {"units": 5, "outcome": [1], "squares": [1]}, "binary": true, "skipped": 2}',
		'{"treated": {"units": 2, "outcome": [0.30000000000000004, -2.7755575615628914e-17], "squares": [0.05], "before": [1], "before_squares": [0.5], '
		  . '"products": [0.15]}, "control": {"units": 1, "outcome": [], "squares": [], "before": [], "before_squares": [], "products": []}, "binary": false, "skipped": 0}'
	],
	uplift_segments => [
		'{"segments": []}',
		'{"segments": [{"segment": "Größe 数", "uplift": {"treated": {"units": 20, "outcome": [3], "squares": [3]}, '
		  . '"control": {"units": 5, "outcome": [1], "squares": [1]}, "binary": true, "skipped": 0}}]}'
	],
	response_curve => [
		'{"levels": [{"spend": 0, "heads": 10, "response": []}, {"spend": 1.5, "heads": 20, "response": [2.5]}], "single_heads": false, "skipped": 1}',
		'{"levels": [{"spend": 0, "heads": 10, "response": [1], "squares": [1]}], "single_heads": true, "skipped": 0}',
		'{"curve": "hill", "c": 2, "h": 1.5, "covariance": [0.01, 0.002, 0.04], "tested_max": null}'
	],
	budget_plan => [
		'{"segments": []}',
		'{"segments": [{"segment": "Größe 数", "heads": 1000, "curve": {"curve": "exp", "c": 60, "k": 0.15, "covariance": [0, 0, 0], "tested_max": 5}, '
		  . '"status": "no_std_error", "value_per_response": 0.4, "min_per_head": 0.5, "max_per_head": null}]}',
		'{"segments": [{"segment": "Loyal", "heads": 1000, "curve": {"curve": "exp", "c": 60, "k": 0.15, "covariance": [0.01, 0, 0.04], "tested_max": 5}, '
		  . '"others": [{"curve": "hill", "c": 80, "h": 6, "covariance": [0.02, 0, 0.09], "weight": 0.25}, {"curve": "power", "a": 9, "e": 0.5, "covariance": [0, 0, 0], "weight": 0.125}], '
		  . '"status": "saturated", "value_per_response": 0.4, "min_per_head": 0, "max_per_head": null}]}'
	]);

my $node = PostgreSQL::Test::Cluster->new('goldens');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');
$node->safe_psql('postgres', 'SET client_min_messages = warning; CREATE SCHEMA raw');
my $version = $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'customer_centric'});
my $bytes = PostgreSQL::Test::Utils::tempdir . '/bytes';

my @types = split /\n/, $node->safe_psql('postgres', q{
	SELECT t.typname FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.objid AND d.classid = 'pg_type'::regclass
	WHERE d.deptype = 'e' AND t.typtype = 'b' AND t.typelem = 0
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric') ORDER BY 1});
is(join(' ', grep { !$texts{$_} } @types), '', 'every type has goldens');

# For each type a type of the same shape that shows its bytes, to look at what is on disk and to put it there.
foreach my $type (@types)
{
	my ($alignment) = $node->safe_psql('postgres', "SELECT CASE typalign WHEN 'd' THEN 'double' ELSE 'int4' END FROM pg_type WHERE typname = '$type'");
	$node->safe_psql(
		'postgres', qq{
		SET client_min_messages = error;
		SET search_path = raw, public;
		CREATE TYPE raw.$type;
		CREATE FUNCTION raw.$type\_in(cstring) RETURNS raw.$type LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
		CREATE FUNCTION raw.$type\_out(raw.$type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
		CREATE TYPE raw.$type (INPUT = raw.$type\_in, OUTPUT = raw.$type\_out, ALIGNMENT = $alignment, STORAGE = extended);
		CREATE CAST (raw.$type AS public.$type) WITHOUT FUNCTION;
		CREATE CAST (public.$type AS raw.$type) WITHOUT FUNCTION;
		CREATE TABLE raw.$type\_sent (v public.$type)});
}

# What this version stores and sends for a text.
sub written
{
	my ($type, $text) = @_;
	(my $literal = $text) =~ s/'/''/g;
	return split /\|/, $node->safe_psql('postgres', "SELECT v::raw.$type, $type\_send(v), v FROM (SELECT '$literal'::$type AS v) AS x"), 3;
}

my @goldens;
push @goldens, map { chomp; [ split /\t/, $_, 5 ] } split /^/, slurp_file($file) if -e $file;

if ($ENV{CUSTOMER_CENTRIC_WRITE_GOLDENS})
{
	my %known = map { join("\t", @{$_}[ 1 .. 4 ]) => 1 } @goldens;
	foreach my $type (sort keys %texts)
	{
		foreach my $text (@{ $texts{$type} })
		{
			my ($stored, $sent, $again) = written($type, $text);
			is($again, $text, "$type: the text is as it will be written");
			my @golden = ($version, $type, $stored, $sent, $text);
			next if $known{ join("\t", @golden[ 1 .. 4 ]) };
			append_to_file($file, join("\t", @golden) . "\n");
			push @goldens, \@golden;
		}
	}
}

my %kept = map { ("$_->[1]\t$_->[4]" => 1) } @goldens;
is(join("\n", grep { !$kept{$_} } map { my $type = $_; map { "$type\t$_" } @{ $texts{$type} } } sort keys %texts), '', 'the file has all of these texts');
my $little_endian = unpack('C', pack('S', 1)) == 1;
my %latest = map { ("$_->[1]\t$_->[4]" => $_) } @goldens;

foreach my $golden (@goldens)
{
	my ($since, $type, $stored, $sent, $text) = @$golden;
	my $name = "$since $type " . substr($text, 0, 60);
	(my $literal = $text) =~ s/'/''/g;

	# What is on disk, read from a table as if it had been there all the time.
	SKIP:
	{
		skip 'numbers are stored in the order of the machine that wrote the goldens', 1 if !$little_endian;
		is( ($node->psql('postgres', "CREATE TEMP TABLE old AS SELECT '$stored'::raw.$type\::$type AS v; SELECT v, v::text::$type = '$literal' FROM old"))[1],
			"$text|t", "$name: read from disk");
	}

	# What was sent, as COPY or a client gives it.
	is( ($node->psql(
			'postgres', "COPY (SELECT '$sent'::bytea) TO '$bytes' (FORMAT binary); TRUNCATE raw.$type\_sent;
			COPY raw.$type\_sent FROM '$bytes' (FORMAT binary); SELECT v FROM raw.$type\_sent"))[1],
		$text, "$name: received");

	# In JSON documents it is the object that its text says.
	is($node->safe_psql('postgres', "SELECT jsonb_typeof(to_jsonb(v)), to_jsonb(v) = v::jsonb AND v::json::text = v::text FROM (SELECT '$literal'::$type) AS x(v)"),
		'object|t', "$name: an object in JSON");

	# The newest golden of a value is what is written now: a change of the form adds one.
	next if $golden != $latest{"$type\t$text"};
	my @written = written($type, $text);
	is($written[0], $stored, "$name: stored in the same bytes") if $little_endian;
	is($written[1], $sent, "$name: sent in the same bytes");
}

$node->stop;
done_testing();
