/*
 * experiments.c
 *	  Experiments: assignment to groups, estimates from an uplift, and sample
 *	  sizes.
 *
 * A unit's place in an experiment is a number within [0, 1): the first 53 bits
 * of sha256 over the experiment's name, the byte 0x1F and the unit, both as
 * UTF-8. Units with a number below the control share are in control. So any
 * language computes the same groups, experiments are independent of each
 * other, and a larger control share only adds units to control.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

#include "experiments/experiments.h"
#include "support/args.h"

/* Separates the experiment from the unit. */
#define UNIT_SEPARATOR 0x1F

/* Below this probability of arms as unequal, the assignment is suspect (sample ratio mismatch). */
#define SAMPLE_RATIO_ALARM 0.001

const char *
experiment_status_name(ExperimentStatus status)
{
	switch (status)
	{
		case EXPERIMENT_OK:
			return "ok";
		case EXPERIMENT_NO_TREATED:
			return "no_treated";
		case EXPERIMENT_NO_CONTROL:
			return "no_control";
		case EXPERIMENT_TOO_FEW:
			return "too_few";
		case EXPERIMENT_NO_VARIATION:
			return "no_variation";
	}
	elog(ERROR, "unknown status %d", (int) status);
}

/* The number of a unit, argument 0, in an experiment, argument 1. */
static double
place_in_experiment(FunctionCallInfo fcinfo)
{
	static const uint8 separator = UNIT_SEPARATOR;
	size_t unit_bytes;
	size_t experiment_bytes;
	const uint8 *unit = utf8_text_argument(fcinfo, 0, &unit_bytes);
	const uint8 *experiment = utf8_text_argument(fcinfo, 1, &experiment_bytes);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *context;
	uint64 bits;

	if (experiment_bytes == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("experiment must not be empty"),
				 errhint("Its name makes the control groups of different experiments independent.")));
	context = pg_cryptohash_create(PG_SHA256);
	if (pg_cryptohash_init(context) < 0 || pg_cryptohash_update(context, experiment, experiment_bytes) < 0 ||
		pg_cryptohash_update(context, &separator, 1) < 0 || pg_cryptohash_update(context, unit, unit_bytes) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute sha256: %s", pg_cryptohash_error(context));
	pg_cryptohash_free(context);
	memcpy(&bits, digest, sizeof(bits));
	return (double) (pg_ntoh64(bits) >> 11) * 0x1p-53;
}

/* assignment_place(unit, experiment) → float8 */
PG_FUNCTION_INFO_V1(assignment_place);
Datum
assignment_place(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(place_in_experiment(fcinfo));
}

/* assign_group(unit, experiment, control_share) → 'treated' or 'control' */
PG_FUNCTION_INFO_V1(assign_group);
Datum
assign_group(PG_FUNCTION_ARGS)
{
	double share = share_argument(fcinfo, 2, "control_share", "0.1 is ten per cent.");

	PG_RETURN_TEXT_P(cstring_to_text(place_in_experiment(fcinfo) < share ? "control" : "treated"));
}

/* uplift_estimate(uplift, level, control_share, tightest_at) → (n_treated, …) */
PG_FUNCTION_INFO_V1(uplift_estimate);
Datum
uplift_estimate(PG_FUNCTION_ARGS)
{
	Datum values[13];
	bool nulls[13];
	UpliftSums sums;

	/* not strict: control_share may be unknown */
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 1);
	int64 tightest_at = PG_GETARG_INT64(3);

	if (tightest_at < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tightest_at must be positive, but is " INT64_FORMAT, tightest_at),
				 errhint("It is the number of units at which the any-time interval is narrowest; choose it before the "
						 "first look.")));
	uplift_get(PG_GETARG_DATUM(0), &sums);

	Experiment experiment = uplift_experiment(&sums);
	ExperimentStatus status = experiment_status(&experiment);
	double treated = experiment.treated.count;
	double control = experiment.control.count;
	bool in_range = true;
	bool mismatch = false;

	memset(nulls, true, sizeof(nulls));
	nulls[0] = nulls[1] = nulls[11] = nulls[12] = false;
	values[0] = Int64GetDatum(sums.units[UPLIFT_TREATED]);
	values[1] = Int64GetDatum(sums.units[UPLIFT_CONTROL]);
	if (!PG_ARGISNULL(2))
	{
		double share = share_argument(fcinfo, 2, "control_share", "0.1 is ten per cent.");
		double prob = treated + control > 0.0 ? sample_ratio_prob(treated, control, share) : NAN;

		put_number(values, nulls, 10, prob);
		mismatch = prob < SAMPLE_RATIO_ALARM;
		if (mismatch)
			ereport(WARNING,
					(errmsg("arms of %.0f treated and %.0f control are unlikely for a control share of %g (probability "
							"%.2g)",
							treated, control, share, prob),
					 errhint(
						 "Units may have been lost after the assignment; find the cause before using the uplift.")));
	}
	if (treated > 0.0)
		put_number(values, nulls, 2, experiment.treated.mean);
	if (control > 0.0)
		put_number(values, nulls, 3, experiment.control.mean);
	if (status == EXPERIMENT_OK)
	{
		ExperimentEstimate e = experiment_estimate(&experiment, level, (double) tightest_at);

		put_number(values, nulls, 2, e.mean_treated);
		put_number(values, nulls, 3, e.mean_control);
		put_number(values, nulls, 4, e.uplift);
		put_number(values, nulls, 5, e.low);
		put_number(values, nulls, 6, e.high);
		put_number(values, nulls, 7, e.low_any_time);
		put_number(values, nulls, 8, e.high_any_time);
		put_number(values, nulls, 9, e.min_detectable);
	}
	values[11] = Int64GetDatum(sums.skipped);
	/* that no effect is detectable is no fault of the numbers before it */
	for (int i = 2; i < 9 && status == EXPERIMENT_OK; i++)
		in_range = in_range && !nulls[i];
	values[12] =
		PointerGetDatum(cstring_to_text(!in_range                                 ? OUT_OF_RANGE_STATUS
											: mismatch && status == EXPERIMENT_OK ? "ratio_mismatch"
																				  : experiment_status_name(status)));
	return row_result(fcinfo, values, nulls);
}

/* experiment_size(base_rate, effect, power, control_share, level) → (n_treated, n_control) */
PG_FUNCTION_INFO_V1(experiment_size);
Datum
experiment_size(PG_FUNCTION_ARGS)
{
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	double base_rate = share_argument(fcinfo, 0, "base_rate", "0.1 is ten per cent.");
	double effect = finite_argument(fcinfo, 1, "effect", NULL);
	double power = share_argument(fcinfo, 2, "power", "0.1 is ten per cent.");
	double share = share_argument(fcinfo, 3, "control_share", "0.1 is ten per cent.");
	double level = level_argument(fcinfo, 4);
	double units;
	Datum values[2] = {(Datum) 0, (Datum) 0};
	bool nulls[2] = {true, true};

	if (effect == 0.0 || !(base_rate + effect > 0.0 && base_rate + effect < 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an effect of %g on a base_rate of %g is impossible", effect, base_rate),
				 errhint("The effect is what is added to the rate: 0.01 lifts 5 percent to 6. It must not be 0, and "
						 "the resulting rate must be between 0 and 1.")));
	if (power < (1.0 - level) / 2.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("power %g is less than the probability of detecting no effect", power)));
	units = experiment_units(base_rate, effect, power, share, level);

	/* more units than there are people */
	if (units < (double) UPLIFT_MOST_UNITS)
	{
		values[0] = Int64GetDatum((int64) ceil(units * (1.0 - share)));
		values[1] = Int64GetDatum((int64) ceil(units * share));
		nulls[0] = nulls[1] = false;
	}
	return row_result(fcinfo, values, nulls);
}
