/*
 * moment.c
 *	  Act now or wait: what an experiment says of customers who are overdue more or less.
 *
 * Acting after d days of silence more brings uplift(tile) * value - cost, where the
 * tile is that of the probability of being overdue by then; but only if the customer
 * has not come by themselves until then. Every day up to the horizon is tried.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "experiments/uplift.h"
#include "scores/score.h"
#include "support/args.h"
#include "timing/timing.h"

/* The longest wait that is considered, in days: ten years. */
#define MAX_DAYS_TO_WAIT 3660

/* Uplift by tiles of overdue_prob, all of one width. */
typedef struct OverdueTiles
{
	uint32 count;
	double *uplift;  /* NaN: the experiment does not tell */
	bool of_amounts; /* a tile's outcomes were amounts, not responses */
} OverdueTiles;

/* The number that a segment's name is; 0 if it is none from 1 to the number of tiles. */
static uint32
tile_number(const ShrunkEffect *effect, uint32 count)
{
	uint32 number = 0;

	for (uint32 i = 0; i < effect->segment_bytes; i++)
	{
		char digit = effect->segment[i];

		if (digit < '0' || digit > '9' || number > count)
			return 0;
		number = number * 10 + (uint32) (digit - '0');
	}
	return number <= count ? number : 0;
}

static OverdueTiles
tiles_argument(FunctionCallInfo fcinfo, int argno)
{
	OverdueTiles tiles = {0};
	ShrunkEffect *effects;
	bool any = false;

	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("without an experiment nobody knows the best moment"),
				 errhint("Give the uplift by tiles of overdue_prob: uplift_segments(width_bucket(overdue_prob, 0, 1, "
						 "5), u).")));
	effects = uplift_shrunk_effects(PG_GETARG_DATUM(argno), &tiles.count);
	tiles.uplift = palloc_array(double, Max(1, tiles.count));
	for (uint32 i = 0; i < tiles.count; i++)
		tiles.uplift[i] = NAN;
	for (uint32 i = 0; i < tiles.count; i++)
	{
		uint32 tile = tile_number(&effects[i], tiles.count);

		if (tile == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the uplift of %u segments must be by tiles 1 to %u, but has \"%s\"", tiles.count,
							tiles.count, pnstrdup(effects[i].segment, effects[i].segment_bytes)),
					 errhint("Give the uplift by tiles of overdue_prob: uplift_segments(width_bucket(overdue_prob, 0, "
							 "1, 5), u).")));
		tiles.uplift[tile - 1] = effects[i].uplift;
		tiles.of_amounts = tiles.of_amounts || effects[i].of_amounts;
		any = any || isfinite(effects[i].uplift);
	}
	if (!any)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the experiment has no tile with treated and untreated customers"),
				 errhint("Keep a control group in every tile: assign_group(customer, experiment, 0.2).")));
	return tiles;
}

static double
finite_number(FunctionCallInfo fcinfo, int argno, const char *name, double lowest)
{
	double number = PG_GETARG_FLOAT8(argno);

	if (!isfinite(number) || number < lowest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and not below %g, but is %g", name, lowest, number)));
	return number;
}

/*
 * What acting after so many days brings; NaN where the experiment does not tell. comes_by[i] is the probability that a
 * customer with a season orders within i + 1 days.
 */
static double
moment_value(Customer *customer, const OverdueTiles *tiles, const double *comes_by, double value, double cost, int days)
{
	double buf[MODEL_MAX_PARAMS];
	const double *params = customer_params(customer, buf);
	double wait = customer->season == NULL
		? clv_model_time(customer->model, days)
		: clv_model_time_between(customer->model, customer->today, customer->today + days);
	double overdue =
		model_overdue_prob(customer->timing->ln_silence(params, customer->x, customer->t_x, customer->T + wait));
	double comes = days == 0       ? 0.0
		: customer->season == NULL ? customer->timing->order_prob(params, customer->x, customer->t_x, customer->T, wait)
								   : comes_by[days - 1];

	if (!isfinite(overdue) || !isfinite(comes))
		return NAN;
	return (tiles->uplift[Min((uint32) (Max(0.0, overdue) * tiles->count), tiles->count - 1)] * value - cost) *
		(1.0 - comes);
}

/* best_moment(history, model, uplift_by_overdue, response_value, cost [, horizon_days, as_of, covariates]) → (act_on, value, value_now) */
PG_FUNCTION_INFO_V1(best_moment);
Datum
best_moment(PG_FUNCTION_ARGS)
{
	OverdueTiles tiles = tiles_argument(fcinfo, 2);
	TupleDesc row;
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};
	double *comes_by;
	Customer customer;

	if (any_null(fcinfo, 3, 5))
		PG_RETURN_NULL();

	double value = finite_number(fcinfo, 3, "response_value", 0);
	double cost = finite_number(fcinfo, 4, "cost", 0);

	refuse_value_of_amounts(tiles.of_amounts, "uplift", "response_value", value);
	int32 horizon = int_argument(fcinfo, 5, "horizon_days", 0, MAX_DAYS_TO_WAIT,
								 "So many days to wait at most; each of them is tried.");

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	customer_of_history(fcinfo, 6, &customer);
	comes_by = palloc_array(double, Max(1, horizon));
	if (customer.scorable && customer.season != NULL)
		customer_order_probs(&customer, horizon, comes_by);
	for (int days = 0; customer.scorable && days <= horizon; days++)
	{
		double brings = moment_value(&customer, &tiles, comes_by, value, cost, days);

		CHECK_FOR_INTERRUPTS();
		if (!isfinite(brings))
			continue;
		if (days == 0)
		{
			values[2] = Float8GetDatum(brings);
			nulls[2] = false;
		}
		if (!nulls[1] && brings <= DatumGetFloat8(values[1]))
			continue;
		values[1] = Float8GetDatum(brings);
		nulls[1] = false;

		/* Nobody is to be bothered at a loss, on the least bad day either. */
		nulls[0] = !(brings > 0.0) || !IS_VALID_DATE((int64) customer.as_of + days);
		values[0] = nulls[0] ? (Datum) 0 : DateADTGetDatum(customer.as_of + days);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}
