/*
 * equity.c
 *	  Sums of the customers' values and of their gradients.
 *
 * Customers with equal (x, T) are a run: what a live customer is going to buy is
 * computed once for it. Of its customers only the sums of P(alive) and of P(alive) S,
 * and their gradients, are needed, since the value is linear in both. P(alive) is taken
 * as a multiple of 2^-46 and its derivatives as multiples of 2^-40, so that these sums
 * are whole numbers, and mostly no more than a double or two. What a transaction is worth
 * depends on x alone, and is multiplied by once all runs of an x are summed up. Under a
 * spend model that is not linear in S it depends on S, too, and so do the runs.
 */
#include "models/decision/equity.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "models/decision/equity_customer.h"

/* No factor of a product is larger, or products and their sums could leave a double's range. */
#define LARGEST_FACTOR 1e100

/* P(alive) and its derivatives are multiples of 2^-bits; these are below the largest. */
#define ALIVE_BITS 46
#define DERIVATIVE_BITS 40
#define LARGEST_DERIVATIVE 0x1p22

/* Sums take so many runs before their carries are propagated. */
#define RUNS_UNSETTLED (1 << 18)

const double equity_horizon_years[EQUITY_HORIZONS] = {1, 3, 5, 10, INFINITY};

/* A sum of products of whole numbers of 63 bits: digits of 32 bits with space for the carries of 2^30 of them. */
#define WIDE_DIGITS 5

typedef struct WideSum
{
	int64_t digit[WIDE_DIGITS];
} WideSum;

/* A wide sum as doubles of so many bits. */
#define PART_BITS 53
#define WIDE_PARTS 4

/* Of the customers of a run, by parameter vector: at the point, and the derivative by each figure. */
typedef struct Run
{
	double x;
	double t_x;
	double T;
	double each; /* spend, where it must be the same */
	int64_t customers;
	WideSum alive[1 + MODEL_MAX_PARAMS];
	WideSum alive_spend[1 + MODEL_MAX_PARAMS];
} Run;

/* What is summed of customers, each of them and each unit of their spend. */
typedef enum SumKind
{
	OF_CUSTOMERS,
	OF_SPEND,
	SUM_KINDS,
} SumKind;

/*
 * Sums over the runs of an x, and of a spend where it must be the same: orders to come and
 * their derivatives by the timing figures, of live customers.
 */
typedef struct SumsOfX
{
	double x;
	double each;
	SpendMean mean;
	size_t runs;
	ExactSum orders[SUM_KINDS][EQUITY_HORIZONS][1 + MODEL_MAX_PARAMS];
	ExactSum other[SUM_KINDS][EQUITY_OTHER_DISCOUNTS];
} SumsOfX;

bool
equity_can_do_without_discount(const Model *timing)
{
	return timing == &paretonbd_model;
}

/* The dropout rates of Pareto/NBD have a mean lifetime only if their shape s is above one. */
bool
equity_is_infinite(const EquityTerms *terms)
{
	return terms->timing == &paretonbd_model && terms->delta == 0 && !(terms->params[2] > 1);
}

double
equity_spend_unit(const SpendModel *spend, const double *spend_params)
{
	return ldexp(1.0, ilogb(spend_params[spend->money_param]) - 30);
}

static double
unit_of(const EquityTerms *terms)
{
	return equity_spend_unit(terms->spend, terms->spend_params);
}

/* A number of orders to a multiple of 2^-100: products then never reach bits that a sum drops. */
static inline double
rounded(double factor)
{
	return fabs(factor) < 0x1p-47 ? (factor + 0x1.8p-48) - 0x1.8p-48 : factor;
}

/* What a transaction is worth, or nothing: sums over an x are multiples of 2^-146, of which no bits may be dropped. */
static inline double
factor_of_sums(double factor)
{
	return fabs(factor) < 0x1p-800 ? 0 : factor;
}

/* A multiple of 2^-bits, as a whole number. */
static inline int64_t
in_steps(double number, int bits)
{
	return (int64_t) nearbyint(number * (double) (INT64_C(1) << bits));
}

static void
wide_add_large(WideSum *sum, int64_t a, int64_t b)
{
	uint64_t x = a < 0 ? -(uint64_t) a : (uint64_t) a;
	uint64_t y = (uint64_t) b;
	uint64_t low = (x & UINT32_MAX) * (y & UINT32_MAX);
	uint64_t one = (x >> 32) * (y & UINT32_MAX);
	uint64_t other = (x & UINT32_MAX) * (y >> 32);
	uint64_t high = (x >> 32) * (y >> 32);
	int64_t digit[4] = {
		(int64_t) (low & UINT32_MAX),
		(int64_t) ((low >> 32) + (one & UINT32_MAX) + (other & UINT32_MAX)),
		(int64_t) ((one >> 32) + (other >> 32) + (high & UINT32_MAX)),
		(int64_t) (high >> 32),
	};

	for (int i = 0; i < 4; i++)
		sum->digit[i] += a < 0 ? -digit[i] : digit[i];
}

/* Adds a product, of which the first factor may be negative; most are small. */
static inline void
wide_add(WideSum *sum, int64_t a, int64_t b)
{
	if (b < INT64_C(1) << 15 && a < INT64_C(1) << 47 && a > -(INT64_C(1) << 47))
	{
		int64_t low = (a * b) & UINT32_MAX;

		sum->digit[0] += low;
		sum->digit[1] += (a * b - low) / (INT64_C(1) << 32);
	}
	else
		wide_add_large(sum, a, b);
}

/* Carries what is above 32 bits, so that all digits but the highest are in 0 ... 2^32 - 1. */
static void
wide_carry(int64_t *digit)
{
	for (int i = 0; i < WIDE_DIGITS - 1; i++)
	{
		int64_t low = digit[i] & UINT32_MAX;

		digit[i + 1] += (digit[i] - low) / (INT64_C(1) << 32);
		digit[i] = low;
	}
}

/* 64 bits of a sum that is not negative, from this one on. */
static uint64_t
bits_at(const int64_t *digit, int from)
{
	int shift = from % 32;
	uint64_t bits = 0;

	for (int i = 0; i < 3 && from / 32 + i < WIDE_DIGITS; i++)
	{
		uint64_t word = (uint64_t) digit[from / 32 + i];

		bits |= i == 0 ? word >> shift : 32 * i - shift < 64 ? word << (32 * i - shift) : 0;
	}
	return bits;
}

/* The sum as doubles that add up to it, a wide sum being a multiple of 2^-bits. Returns their number. */
static int
wide_parts(const WideSum *sum, int bits, double *parts)
{
	int64_t digit[WIDE_DIGITS];
	double sign = 1;
	int n = 0;

	memcpy(digit, sum->digit, sizeof(digit));
	wide_carry(digit);
	if (digit[WIDE_DIGITS - 1] < 0)
	{
		for (int i = 0; i < WIDE_DIGITS; i++)
			digit[i] = -digit[i];
		wide_carry(digit);
		sign = -1;
	}
	for (int from = 0; from < 32 * WIDE_DIGITS; from += PART_BITS)
	{
		uint64_t part = bits_at(digit, from) & ((UINT64_C(1) << PART_BITS) - 1);

		if (part != 0)
			parts[n++] = sign * ldexp((double) part, from - bits);
	}
	return n;
}

/* Adds factor times every part of a sum. */
static void
add_products(ExactSum *sum, const double *parts, int n_parts, double factor)
{
	for (int i = 0; i < n_parts; i++)
		exact_sum_add_product(sum, parts[i], factor);
}

/* False if a number of orders is none, or so large that a sum could not hold the value. */
static bool
orders_are_numbers(const EquityTerms *terms, const SpendMean *mean, const Orders *orders)
{
	double most = 1;
	bool finite = true;

	for (int i = 0; i < terms->spend->n_params; i++)
		most = fmax(most, fmax(fabs(mean->of_amount[i]), fabs(mean->of_spend[i])));
	most *= mean->worth * (mean->amount + unit_of(terms));
	for (int h = 0; h < EQUITY_HORIZONS; h++)
		for (int i = 0; i <= equity_timing_figures(terms->timing); i++)
			finite &= fabs(orders->by_horizon[h][i] * most) < LARGEST_FACTOR;
	for (int other = 0; other < EQUITY_OTHER_DISCOUNTS; other++)
		finite &= fabs(orders->other[other] * most) < LARGEST_FACTOR;
	return finite;
}

/* The parts of a run's sums. */
typedef struct RunParts
{
	double parts[SUM_KINDS][1 + MODEL_MAX_PARAMS][WIDE_PARTS];
	int count[SUM_KINDS][1 + MODEL_MAX_PARAMS];
} RunParts;

static RunParts
parts_of_run(const EquityTerms *terms, const Run *run)
{
	RunParts parts = {0};

	for (int i = 0; i <= equity_timing_figures(terms->timing); i++)
	{
		int bits = i == 0 ? ALIVE_BITS : DERIVATIVE_BITS;

		parts.count[OF_CUSTOMERS][i] = wide_parts(&run->alive[i], bits, parts.parts[OF_CUSTOMERS][i]);
		parts.count[OF_SPEND][i] = wide_parts(&run->alive_spend[i], bits, parts.parts[OF_SPEND][i]);
	}
	return parts;
}

/* Adds orders of a kind within a horizon, and their derivatives. */
static void
add_orders(const RunParts *parts, SumKind kind, const double *orders, int n, ExactSum *sum)
{
	const double(*part)[WIDE_PARTS] = parts->parts[kind];
	const int *count = parts->count[kind];
	double all = rounded(orders[0]);

	add_products(&sum[0], part[0], count[0], all);
	for (int i = 1; i <= n; i++)
	{
		add_products(&sum[i], part[i], count[i], all);
		add_products(&sum[i], part[0], count[0], rounded(orders[i]));
	}
}

/* Adds so many customers of the same (x, T), of whom these are the parts, to the sums of their x. */
static void
add_parts(const EquityTerms *terms, const Run *run, const Orders *orders, const RunParts *parts, SumsOfX *of_x,
		  EquitySums *sums)
{
	int n = equity_timing_figures(terms->timing);

	if (!orders_are_numbers(terms, &of_x->mean, orders))
	{
		sums->out_of_range += run->customers;
		return;
	}
	sums->customers += run->customers;
	add_products(&sums->sum[0], parts->parts[OF_CUSTOMERS][0], parts->count[OF_CUSTOMERS][0], 1);
	for (SumKind kind = 0; kind < SUM_KINDS; kind++)
	{
		for (int h = 0; h < EQUITY_HORIZONS; h++)
			add_orders(parts, kind, orders->by_horizon[h], n, of_x->orders[kind][h]);
		for (int i = 0; i < EQUITY_OTHER_DISCOUNTS; i++)
			add_products(&of_x->other[kind][i], parts->parts[kind][0], parts->count[kind][0],
						 rounded(orders->other[i]));
	}
}

/* Adds a sum over an x, times factors that depend on x alone, to other sums. */
static void
add_multiples(ExactSum *of_x, int n, ExactSum *const *to, const double *factors)
{
	double parts[EXACT_SUM_MAX_PARTS];
	int n_parts = exact_sum_parts(of_x, parts);

	for (int i = 0; i < n; i++)
		add_products(to[i], parts, n_parts, factor_of_sums(factors[i]));
}

/* Adds the sums of an x to the values of a horizon and their gradient. */
static void
add_horizon(const EquityTerms *terms, ExactSum *of_x, const double *factors, ExactSum *value)
{
	int n = equity_timing_figures(terms->timing);
	ExactSum *gradient = value + 1;
	ExactSum *to[1 + SPEND_MAX_PARAMS] = {value};
	double by[1 + SPEND_MAX_PARAMS] = {factors[0]};
	int count = 1;

	for (int i = 0; i < terms->spend->n_params; i++)
		if (factors[1 + i] != 0)
		{
			to[count] = &gradient[n + i];
			by[count++] = factors[1 + i];
		}
	add_multiples(&of_x[0], count, to, by);
	for (int i = 0; i < n; i++)
		add_multiples(&of_x[1 + i], 1, (ExactSum *[]){&gradient[i]}, factors);
}

/* Adds the sums of an x to those of all; they are empty afterwards. */
static void
end_x(const EquityTerms *terms, SumsOfX *of_x, EquitySums *sums)
{
	const SpendMean *mean = &of_x->mean;

	for (SumKind kind = 0; of_x->runs > 0 && kind < SUM_KINDS; kind++)
	{
		/* of customers: the amount; of their spend: itself, in units */
		const double *of = kind == OF_CUSTOMERS ? mean->of_amount : mean->of_spend;
		double worth = terms->margin * mean->worth * (kind == OF_CUSTOMERS ? mean->amount : unit_of(terms));
		double factors[1 + SPEND_MAX_PARAMS] = {worth};

		for (int i = 0; i < terms->spend->n_params; i++)
			factors[1 + i] = worth * of[i];
		for (int h = 0; h < EQUITY_HORIZONS; h++)
			add_horizon(terms, of_x->orders[kind][h], factors,
						&sums->sum[equity_value_sum(terms->timing, terms->spend, h)]);
		for (int i = 0; i < EQUITY_OTHER_DISCOUNTS; i++)
			add_multiples(&of_x->other[kind][i], 1,
						  (ExactSum *[]){&sums->sum[equity_other_sum(terms->timing, terms->spend, i)]}, factors);
	}
	memset(of_x, 0, sizeof(*of_x));
}

/* Begins the sums of an x, which must be empty. */
static void
begin_x(const EquityTerms *terms, SumsOfX *of_x, double x, double each)
{
	of_x->x = x;
	of_x->each = each;
	of_x->mean = terms->spend->mean(terms->spend_params, x, each);
}

static void
settle_sums(const EquityTerms *terms, EquitySums *sums)
{
	for (int i = 0; i < equity_sum_count(terms->timing, terms->spend); i++)
		exact_sum_settle(&sums->sum[i]);
}

/* Sums of so many runs need no settling, whose products are 2 * WIDE_PARTS at most. */
static void
settle_x(SumsOfX *of_x)
{
	for (SumKind kind = 0; kind < SUM_KINDS; kind++)
	{
		for (int h = 0; h < EQUITY_HORIZONS; h++)
			for (int i = 0; i <= MODEL_MAX_PARAMS; i++)
				exact_sum_settle(&of_x->orders[kind][h][i]);
		for (int i = 0; i < EQUITY_OTHER_DISCOUNTS; i++)
			exact_sum_settle(&of_x->other[kind][i]);
	}
}

/* Adds a run to the sums of its x and spend; those of others are ended. */
static void
end_run(Evaluator *evaluator, const Run *run, SumsOfX *of_x, EquitySums *sums)
{
	Orders orders;
	RunParts parts;

	if (run->customers == 0)
		return;
	if (of_x->runs == 0 || of_x->x != run->x || of_x->each != run->each)
	{
		end_x(evaluator->terms, of_x, sums);
		begin_x(evaluator->terms, of_x, run->x, run->each);
	}
	evaluator_orders(evaluator, run->x, run->t_x, run->T, &orders);
	parts = parts_of_run(evaluator->terms, run);
	add_parts(evaluator->terms, run, &orders, &parts, of_x, sums);
	if (++of_x->runs % RUNS_UNSETTLED == 0)
	{
		settle_x(of_x);
		settle_sums(evaluator->terms, sums);
	}
}

static SumsOfX *
make_sums_of_x(const Host *host)
{
	SumsOfX *of_x = host->alloc(sizeof(SumsOfX));

	memset(of_x, 0, sizeof(*of_x));
	return of_x;
}

/* P(alive) and its derivatives; false if they are none, or too large. */
static bool
alive_gradient(Evaluator *evaluator, double x, double t_x, double T, double *alive)
{
	bool valid;

	evaluator_alive(evaluator, x, t_x, T, alive);
	valid = alive[0] >= 0 && alive[0] <= 1;
	for (int i = 1; i <= equity_timing_figures(evaluator->terms->timing); i++)
		valid &= fabs(alive[i]) < LARGEST_DERIVATIVE;
	return valid;
}

static void
add_cell(Evaluator *evaluator, const EquityCell *cell, Run *run, EquitySums *sums)
{
	double alive[1 + MODEL_MAX_PARAMS];

	if (!alive_gradient(evaluator, cell->x, cell->t_x, cell->T, alive))
	{
		sums->out_of_range += cell->customers;
		return;
	}
	for (int i = 0; i <= equity_timing_figures(evaluator->terms->timing); i++)
	{
		int64_t steps = in_steps(alive[i], i == 0 ? ALIVE_BITS : DERIVATIVE_BITS);

		wide_add(&run->alive[i], steps, cell->customers);
		if (cell->spend != 0)
			wide_add(&run->alive_spend[i], steps, cell->spend);
	}
	run->customers += cell->customers;
}

void
equity_add(const Host *host, const EquityTerms *terms, const EquityCell *cells, size_t n, EquitySums *sums)
{
	Evaluator evaluator = evaluator_make(host, terms);
	SumsOfX *of_x = make_sums_of_x(host);

	for (size_t first = 0; first < n;)
	{
		Run run = {.x = cells[first].x, .t_x = cells[first].t_x, .T = cells[first].T, .each = cells[first].each};
		size_t i;

		for (i = first; i < n && cells[i].x == run.x && cells[i].T == run.T && cells[i].each == run.each &&
			 (!terms->timing->recency_matters || cells[i].t_x == run.t_x);
			 i++)
		{
			host->check_interrupts();
			add_cell(&evaluator, &cells[i], &run, sums);
		}
		end_run(&evaluator, &run, of_x, sums);
		first = i;
	}
	end_x(terms, of_x, sums);
	settle_sums(terms, sums);
	host->release(of_x);
	evaluator_free(&evaluator);
}

void
equity_add_large(const Host *host, const EquityTerms *terms, double x, double t_x, double T, double spend,
				 EquitySums *sums)
{
	Evaluator evaluator = evaluator_make(host, terms);
	int n = equity_timing_figures(terms->timing);
	double units = terms->spend->linear ? spend / unit_of(terms) : 0;
	double each = terms->spend->linear ? 0 : spend;
	double alive[1 + MODEL_MAX_PARAMS];
	Run run = {.x = x, .t_x = t_x, .T = T, .customers = 1};
	Orders orders;
	RunParts parts = {0};
	SumsOfX *of_x;

	if (!(fabs(units) < LARGEST_FACTOR) || !alive_gradient(&evaluator, x, t_x, T, alive))
	{
		sums->out_of_range++;
		evaluator_free(&evaluator);
		return;
	}
	for (int i = 0; i <= n; i++)
	{
		int bits = i == 0 ? ALIVE_BITS : DERIVATIVE_BITS;
		double steps = ldexp((double) in_steps(alive[i], bits), -bits);

		parts.parts[OF_CUSTOMERS][i][0] = steps;
		parts.parts[OF_SPEND][i][0] = steps * units;
		parts.count[OF_CUSTOMERS][i] = parts.count[OF_SPEND][i] = 1;
	}
	evaluator_orders(&evaluator, x, t_x, T, &orders);
	of_x = make_sums_of_x(host);
	begin_x(terms, of_x, x, each);
	of_x->runs = 1;
	add_parts(terms, &run, &orders, &parts, of_x, sums);
	end_x(terms, of_x, sums);
	settle_sums(terms, sums);
	host->release(of_x);
	evaluator_free(&evaluator);
}

double
equity_log_variance(double value, const double *gradient, const double *covariance, int n)
{
	double variance = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			variance += gradient[i] / value * (gradient[j] / value) * covariance[i * n + j];
	return variance;
}

double
equity_new_customer(const EquityTerms *terms, double first_value, double *gradient)
{
	int n = equity_timing_figures(terms->timing);
	SpendMean mean = terms->spend->mean(terms->spend_params, 0, 0);
	double each = terms->spend->expected_spend(terms->spend_params, 0, 0);
	double orders = NAN;
	double of_each;

	for (int i = 0; i < n; i++)
		gradient[i] = NAN;
	if (!terms->unbounded)
		orders = new_customer_orders(terms, gradient);
	else if (equity_is_infinite(terms))
		orders = INFINITY;
	of_each = (isnan(first_value) ? 1 : 0) + orders;
	for (int i = 0; i < n; i++)
		gradient[i] *= terms->margin * each;
	for (int i = 0; i < terms->spend->n_params; i++)
		gradient[n + i] = terms->margin * each * of_each * mean.of_amount[i];
	return terms->margin * (each * of_each + (isnan(first_value) ? 0 : first_value));
}
