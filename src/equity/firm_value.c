/*
 * firm_value.c
 *	  The value of a firm from its customers, and how far it depends on each assumption.
 *
 * Future customers come in the periods of the acquisition forecast that lie within so
 * many years after as_of, each in the middle of their period; what is left of a period
 * that as_of or the last year divides counts by its days. Rates are continuous.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "equity/acquisition.h"
#include "equity/equity.h"
#include "numerics/normal.h"
#include "support/args.h"
#include "support/result.h"

/* What changes in a sensitivity is a factor, or the discount. */
#define SENSITIVITY_STEP 0.1

#define MOST_YEARS 100

typedef struct Firm
{
	EquityContent equity;
	const AcquisitionModel *acquisition;
	const ClvModel *model; /* of new customers */
	double acquisition_cost;
	double fixed_costs;
	double tax_rate;
	double net_debt;
	double other_assets;
	double years;
	double first_value; /* of a first order; NaN: of an order */
	double level;
} Firm;

/* Assumptions as they are changed; 1 and the equity's discount are those given. */
typedef struct Change
{
	double margin;
	double acquisition_cost;
	double acquisitions;
	int other_discount; /* of the equity's sums; -1: its own */
} Change;

static const Change unchanged = {1, 1, 1, -1};

typedef struct Valuation
{
	double existing;
	double future;
	double fixed_costs;
	double taxes;
	double operations;
	double firm;
	double per_customer; /* of a new one, less what acquiring them cost */
	double acquired;     /* new customers, discounted */
	double *weights;     /* of the periods */
	int32 periods;
	double gradient[EQUITY_MAX_FIGURES]; /* of what a new customer is worth */
} Valuation;

/* Days of a period from the day as_of ends, within the years; the middle of them is *middle days later. */
static double
days_within(const Firm *firm, int32 number, double *middle)
{
	Period period = (Period) firm->acquisition->period;
	double start = period_first_day(period, number) - (firm->equity.head.as_of + 1.0);
	double end = period_first_day(period, number + 1) - (firm->equity.head.as_of + 1.0);
	double from = fmax(start, 0);
	double until = fmin(end, firm->years * YEAR_DAYS);

	*middle = (from + until) / 2;
	return fmax(0, until - from) / (end - start);
}

/* How many periods after the last known one are needed. */
static int32
periods_needed(const Firm *firm)
{
	Period period = (Period) firm->acquisition->period;
	int32 next = firm->acquisition->first + firm->acquisition->n;
	double last = firm->equity.head.as_of + firm->years * YEAR_DAYS;

	if (period_first_day(period, next) > firm->equity.head.as_of + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the acquisition model ends on %s, after the day of the equity, %s",
						date_text(period_first_day(period, next) - 1), date_text(firm->equity.head.as_of)),
				 errhint("Fit it to the periods until that day, or build the equity as of a later one.")));
	if (!(last < DATEVAL_NOEND) || period_number(period, (DateADT) last) - next + 1 > ACQUISITION_MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("from the end of the acquisition model it takes more than %d periods to cover the years",
						ACQUISITION_MAX_PERIODS),
				 errhint("Use fewer years, longer periods, or later counts.")));
	return Max(1, period_number(period, (DateADT) last) - next + 1);
}

/* The rate of a discount for a day. */
static double
daily_rate(double annual_discount)
{
	return log1p(annual_discount) / YEAR_DAYS;
}

static double
existing_value(const Firm *firm, const Change *change)
{
	const EquityContent *equity = &firm->equity;
	EquityTerms terms = equity_terms(&equity->head);
	ExactSum *sum = change->other_discount >= 0 ? equity_sum_of_other(equity, change->other_discount)
												: equity_sums_of_horizon(equity, EQUITY_WITHOUT_END);

	if (change->other_discount >= 0 ? equity->no_others || isnan(terms.other_delta[change->other_discount])
									: terms.unbounded)
		return NAN;
	return change->margin * exact_sum_value(sum);
}

/* The terms of new customers under a change. */
static EquityTerms
new_terms(const Firm *firm, const Change *change, double annual_discount)
{
	EquityHead head = firm->equity.head;
	EquityTerms terms;

	head.model = firm->model;
	head.annual_discount = annual_discount;
	terms = equity_terms(&head);
	terms.margin *= change->margin;
	return terms;
}

/* Without a discount 1, and otherwise less: the present value of 1 a year for so many years, by year. */
static double
annuity(double years, double annual_discount)
{
	double rate = log1p(annual_discount);

	return rate == 0 ? years : -expm1(-rate * years) / rate;
}

static Valuation
value_firm(const Firm *firm, const Change *change, const AcquisitionForecast *forecast, int32 periods)
{
	double discount = change->other_discount >= 0 ? equity_other_discount(&firm->equity.head, change->other_discount)
												  : firm->equity.head.annual_discount;
	Valuation value = {.periods = periods, .weights = palloc_array(double, periods)};
	EquityTerms terms;

	if (!(discount >= 0))
	{
		value.firm = NAN;
		return value;
	}
	terms = new_terms(firm, change, discount);
	for (int32 i = 0; i < periods; i++)
	{
		double middle;
		double share = days_within(firm, firm->acquisition->first + firm->acquisition->n + i, &middle);

		value.weights[i] = share > 0 ? change->acquisitions * share * exp(-daily_rate(discount) * middle) : 0;
		value.acquired += value.weights[i] * forecast->acquired[i];
	}
	value.existing = existing_value(firm, change);
	value.per_customer = equity_new_customer(&terms, firm->first_value, value.gradient) -
		firm->acquisition_cost * change->acquisition_cost;
	value.future = value.acquired * value.per_customer;
	value.fixed_costs = firm->fixed_costs * annuity(firm->years, discount);
	value.taxes = firm->tax_rate * (value.existing + value.future - value.fixed_costs);
	value.operations = value.existing + value.future - value.fixed_costs - value.taxes;
	value.firm = value.operations + firm->other_assets - firm->net_debt;
	return value;
}

/* g' C g of a model's figures. */
static double
figure_variance(const ClvModel *model, const double *gradient)
{
	int n = equity_model_figures(model);
	double covariance[EQUITY_MAX_FIGURES * EQUITY_MAX_FIGURES];

	if (!equity_is_identified(model))
		return NAN;
	equity_covariance(model, covariance);
	return equity_log_variance(1, gradient, covariance, n);
}

/* Standard deviations of existing, future and their sum. What both owe to the parameters of one model is shared. */
typedef struct Deviations
{
	double existing;
	double future;
	double both;
} Deviations;

static Deviations
deviations(const Firm *firm, const Valuation *value)
{
	const EquityContent *equity = &firm->equity;
	ExactSum *sums = equity_sums_of_horizon(equity, EQUITY_WITHOUT_END);
	int n = equity_model_figures(equity->head.model);
	bool same = VARSIZE(firm->model) == VARSIZE(equity->head.model) &&
		memcmp(firm->model, equity->head.model, VARSIZE(firm->model)) == 0;
	double chance = value->per_customer * value->per_customer *
		acquisition_total_variance(firm->acquisition, value->periods, value->weights);
	double of_existing[EQUITY_MAX_FIGURES];
	double of_future[EQUITY_MAX_FIGURES];
	double of_both[EQUITY_MAX_FIGURES];
	double existing;
	double future;

	for (int i = 0; i < n; i++)
		of_existing[i] = exact_sum_value(&sums[1 + i]);
	for (int i = 0; i < equity_model_figures(firm->model); i++)
		of_future[i] = value->acquired * value->gradient[i];
	existing = figure_variance(equity->head.model, of_existing);
	future = figure_variance(firm->model, of_future);
	for (int i = 0; same && i < n; i++)
		of_both[i] = of_existing[i] + of_future[i];
	return (Deviations){
		sqrt(existing),
		sqrt(future + chance),
		sqrt((same ? figure_variance(firm->model, of_both) : existing + future) + chance),
	};
}

static void
check_new_model(const Firm *firm)
{
	EquityHead head = firm->equity.head;
	const char *problem;

	head.model = firm->model;
	problem = equity_head_problem(&head);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("new customers cannot be valued: %s", problem),
				 errhint("Use a model fitted to histories with amounts, without covariates.")));
}

/* Says that customers to come are not those after the customers there are: some count twice, or never. */
static void
notice_other_day(const Firm *firm)
{
	const AcquisitionModel *model = firm->acquisition;
	Period period = (Period) model->period;
	int64 next = (int64) model->first + model->n;
	DateADT begins = period_first_day(period, next);
	int64 day = firm->equity.head.as_of;

	if (day + 1 < begins || day + 1 >= period_first_day(period, next + 1))
		ereport(NOTICE,
				(errmsg("new customers are forecast from %s on, but the equity is of %s", date_text(begins),
						date_text(firm->equity.head.as_of)),
				 errdetail("Customers acquired in between count twice, or not at all."),
				 errhint("Fit the acquisition to the periods until the day of the equity.")));
}

static double
number_within(FunctionCallInfo fcinfo, int argno, const char *name, double lowest, double highest, const char *hint)
{
	double number = finite_argument(fcinfo, argno, name, hint);

	if (!(number >= lowest && number <= highest))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %g and %g, but is %g", name, lowest, highest, number),
				 errhint("%s", hint)));
	return number;
}

/*
 * Without a value for the customers or a model there is nothing to say, as of a group whose
 * fit failed. Numbers have defaults: one that is null is a mistake.
 */
static bool
is_nothing(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"acquisition_cost", "fixed_costs_per_year", "tax_rate",
										"net_debt",         "non_operating_assets", "years"};

	if (any_null(fcinfo, 0, 2))
		return true;
	refuse_nulls(fcinfo, 3, names, lengthof(names));
	return false;
}

/* The arguments from 0 to 8, which both functions have, and the value of a first order in a last one. */
static Firm
firm_arguments(FunctionCallInfo fcinfo, int first_value_place)
{
	Firm firm = {
		.equity = equity_get(PG_GETARG_DATUM(0)),
		.acquisition = acquisition_get(PG_GETARG_DATUM(1)),
		.model = PG_GETARG_CLV_MODEL(2),
		.acquisition_cost = nonnegative_argument(fcinfo, 3, "acquisition_cost", "It is what a new customer costs."),
		.fixed_costs = nonnegative_argument(fcinfo, 4, "fixed_costs_per_year", "Costs are positive."),
		.tax_rate = number_within(fcinfo, 5, "tax_rate", 0, 1, "0.25 is twenty-five per cent."),
		.net_debt = finite_argument(fcinfo, 6, "net_debt", NULL),
		.other_assets = finite_argument(fcinfo, 7, "non_operating_assets", NULL),
		.years = number_within(fcinfo, 8, "years", 0, MOST_YEARS, "It is for how long customers are acquired."),
		.first_value = NAN,
	};

	clv_model_refuse_season(firm.model, "firm_value");
	if (!PG_ARGISNULL(first_value_place))
		firm.first_value = finite_argument(fcinfo, first_value_place, "first_order_value", NULL);
	check_new_model(&firm);
	notice_other_day(&firm);
	return firm;
}

static void
put_bounds(ReturnSetInfo *results, const char *part, double value, double low, double high, const char *status)
{
	Datum values[5] = {CStringGetTextDatum(part)};
	bool nulls[5] = {false};

	set_float(values, nulls, 1, value);
	set_float(values, nulls, 2, low);
	set_float(values, nulls, 3, high);
	values[4] = CStringGetTextDatum(status != NULL ? status : isfinite(low) && isfinite(high) ? "ok" : "no_interval");
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

static void
put_part(ReturnSetInfo *results, const char *part, double value, double half, const char *status)
{
	put_bounds(results, part, value, value - half, value + half, status);
}

/* The interval is on the logarithm, as that of equity_by_horizon. */
static void
put_existing(ReturnSetInfo *results, double value, double half, const char *status)
{
	double factor = value == 0 ? 1 : exp(half / fabs(value));

	put_bounds(results, "existing customers", value, value < 0 ? value * factor : value / factor,
			   value < 0 ? value / factor : value * factor, status);
}

/* What speaks against the value of those to come although it is known; NULL: nothing. */
static const char *
forecast_problem(const Firm *firm, const Valuation *value, const AcquisitionForecast *forecast)
{
	double largest = 0;

	for (int32 i = 0; i < value->periods; i++)
		if (value->weights[i] > 0)
			largest = fmax(largest, forecast->acquired[i]);
	return acquisition_forecast_status(firm->acquisition, largest);
}

/* Why new customers, or those there are, have no value; NULL: they have. */
static const char *
value_status(const Firm *firm, const ClvModel *model, double value)
{
	EquityHead head = firm->equity.head;
	EquityTerms terms;

	if (isfinite(value))
		return NULL;
	head.model = model;
	terms = equity_terms(&head);
	if (terms.unbounded)
		return equity_is_infinite(&terms) ? "infinite" : "no_discount";
	return isnan(clv_model_spend(model)->expected_spend(model->spend.params, 0, 0)) ? "spend_mean_undefined"
																					: "out_of_range";
}

/* firm_value(customer_equity, acquisition_model, clv_model, …) → setof (part, value, low, high, status) */
PG_FUNCTION_INFO_V1(firm_value);
Datum
firm_value(PG_FUNCTION_ARGS)
{
	refuse_null_settings(fcinfo);

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Firm firm;
	Valuation value;
	Deviations deviation;
	AcquisitionForecast forecast;
	const char *existing;
	const char *future;
	const char *both;
	int32 periods;
	double z;

	InitMaterializedSRF(fcinfo, 0);
	if (is_nothing(fcinfo))
		return (Datum) 0;
	refuse_null(fcinfo, 9, "level", NULL);
	firm = firm_arguments(fcinfo, 10);
	z = normal_quantile(0.5 + level_argument(fcinfo, 9) / 2);
	periods = periods_needed(&firm);
	forecast = acquisition_forecast_periods(firm.acquisition, periods, NULL, NULL);
	value = value_firm(&firm, &unchanged, &forecast, periods);
	deviation = deviations(&firm, &value);
	existing = value_status(&firm, firm.equity.head.model, value.existing);
	future = value_status(&firm, firm.model, value.per_customer);
	if (future == NULL)
		future = forecast_problem(&firm, &value, &forecast);
	if (existing == NULL && equity_leaves_out(&firm.equity))
		existing = "customers_left_out";
	both = existing != NULL ? existing : future;

	put_existing(results, value.existing, z * deviation.existing, existing);
	put_part(results, "future customers", value.future, z * deviation.future, future);
	put_part(results, "fixed costs", 0 - value.fixed_costs, 0, NULL);
	put_part(results, "taxes", 0 - value.taxes, z * firm.tax_rate * deviation.both, both);
	put_part(results, "operations", value.operations, z * (1 - firm.tax_rate) * deviation.both, both);
	put_part(results, "non-operating assets", firm.other_assets, 0, NULL);
	put_part(results, "net debt", 0 - firm.net_debt, 0, NULL);
	put_part(results, "firm", value.firm, z * (1 - firm.tax_rate) * deviation.both, both);
	return (Datum) 0;
}

static void
put_change(ReturnSetInfo *results, const char *assumption, const char *change, double value, double before)
{
	Datum values[4] = {CStringGetTextDatum(assumption), CStringGetTextDatum(change)};
	bool nulls[4] = {false};

	set_float(values, nulls, 2, value);
	set_float(values, nulls, 3, value - before);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* firm_value_sensitivity(customer_equity, acquisition_model, clv_model, …) → setof (assumption, change, firm_value, difference) */
PG_FUNCTION_INFO_V1(firm_value_sensitivity);
Datum
firm_value_sensitivity(PG_FUNCTION_ARGS)
{
	refuse_null_settings(fcinfo);

	static const struct
	{
		const char *assumption;
		const char *change;
		Change of;
	} changes[] = {{"annual discount", "-2 points", {1, 1, 1, 0}},
				   {"annual discount", "+2 points", {1, 1, 1, 1}},
				   {"margin", "-10 %", {1 - SENSITIVITY_STEP, 1, 1, -1}},
				   {"margin", "+10 %", {1 + SENSITIVITY_STEP, 1, 1, -1}},
				   {"acquisition cost", "-10 %", {1, 1 - SENSITIVITY_STEP, 1, -1}},
				   {"acquisition cost", "+10 %", {1, 1 + SENSITIVITY_STEP, 1, -1}},
				   {"acquisitions", "-10 %", {1, 1, 1 - SENSITIVITY_STEP, -1}},
				   {"acquisitions", "+10 %", {1, 1, 1 + SENSITIVITY_STEP, -1}}};
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AcquisitionForecast forecast;
	Firm firm;
	int32 periods;
	double before;

	InitMaterializedSRF(fcinfo, 0);
	if (is_nothing(fcinfo))
		return (Datum) 0;
	firm = firm_arguments(fcinfo, 9);
	periods = periods_needed(&firm);
	forecast = acquisition_forecast_periods(firm.acquisition, periods, NULL, NULL);
	before = value_firm(&firm, &unchanged, &forecast, periods).firm;
	put_change(results, "none", "", before, before);
	for (int i = 0; i < lengthof(changes); i++)
		put_change(results, changes[i].assumption, changes[i].change,
				   value_firm(&firm, &changes[i].of, &forecast, periods).firm, before);
	return (Datum) 0;
}
