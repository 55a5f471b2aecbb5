/*
 * fit_season.c
 *	  Estimate a season together with a timing model.
 *
 * One iteration fits the parameters on the clock of the present factors, and then the
 * factors given the parameters. Its fixed point is the maximum of the penalised
 * likelihood: the gradient in ln of a factor is count - factor x exposure, less the
 * penalty, and that is what the second half makes zero (Fisher's identity).
 *
 * Of many customers a coarse copy, with times in a few dozen steps, has nearly the
 * same fixed point. So the iterations run on the copy, shifted by what an iteration of
 * all customers differs from one of the copy: each such correction gains as many digits as
 * the copy is like the original (Stetter, Numer. Math. 29 (1978): defect correction), and
 * two or three iterations of all customers are enough.
 */
#include "models/core/fit_season.h"

#include <math.h>
#include <string.h>

#include "numerics/sum.h"
#include "numerics/trust_region.h"

/* Precision of the penalty on each effect: within a factor of e of the mean, a weak one. */
#define EFFECT_PRECISION 1.0

/* Iterations end when no ln of a factor changes by more; those of a copy, whose result is corrected, by this share of it. */
#define PRECISE 1e-6
#define COPY_PRECISE 0.1
#define MOST_STEPS 200
#define MOST_CORRECTIONS 12

/* Copies of this fineness are worth it with so many cells, if they have so many times fewer. */
#define COPY_FINENESS 1
#define LARGE 20000
#define WORTH_IT 3

/* An exposure of a day of the year below this share of all is a rounding error. */
#define ROUNDING 1e-12

/* Steps that an extrapolation remembers. */
#define REMEMBERED 4

/* Effects: of slots, or of waves. */
#define N_WAVES (2 * SEASON_WAVES)

_Static_assert(N_WAVES <= TRUST_REGION_MAX, "the minimiser must take all waves");

/* A season while it is estimated: ln of the factors, whose mean is not yet that of a clock. */
typedef struct Effects
{
	double ln[SEASON_PLACES];
} Effects;

/* The clock of effects, with its memory. */
typedef struct EffectClock
{
	double factor[SEASON_PLACES];
	double before[SEASON_PLACES + 1];
	double level; /* ln of what the factors were divided by */
	SeasonClock clock;
} EffectClock;

static void
set_clock(SeasonBy by, const Effects *effects, EffectClock *result)
{
	int slots = season_slots(by);
	double mean;

	for (int i = 0; i < slots; i++)
		result->factor[i] = exp(effects->ln[i]);
	mean = season_mean(by, result->factor);
	for (int i = 0; i < slots; i++)
		result->factor[i] /= mean;
	result->level = log(mean);
	result->clock = (SeasonClock){.by = by, .factor = result->factor, .before = result->before};
	season_clock_prepare(&result->clock);
}

int
season_free_factors(SeasonBy by)
{
	return by == SEASON_BY_DAY ? N_WAVES : season_slots(by) - 1;
}

double
season_ln_factors(SeasonBy by, const double *factors, const double *counts)
{
	Sum sum = {0};

	for (int i = 0; i < season_slots(by); i++)
		if (counts[i] > 0.0)
			sum_add(&sum, counts[i] * log(factors[i]));
	return sum_value(&sum);
}

/* Weights of days, added up before they are exposed: those of a century in a table. */
typedef struct DayWeights
{
	const SeasonTable *table;
	double *weights; /* of its days */
	SeasonExposure exposure;
} DayWeights;

static inline void
weigh_day(DayWeights *days, int64_t day, double weight)
{
	if (day >= days->table->first)
		days->weights[day - days->table->first] += weight;
	else
		season_expose(&days->exposure, day, weight);
}

/* Add what the cells of a class were exposed to, with the parameters of its customers. */
static void
expose_class(const SeasonData *data, const SeasonClass *class, const Model *model, const double *params,
			 DayWeights *days)
{
	for (size_t i = 0; i < class->n_cells; i++)
	{
		const PopulationCell *cell = &class->cells[i];
		int64_t first = (int64_t) data->now - cell->T_days;
		int64_t last = first + cell->t_x_days;
		double alive, gone;

		if (i % HOST_STEPS == 0)
			data->host->check_interrupts();
		model->expected_rates(params, cell->x, season_table_between(days->table, first, last) / data->unit_days,
							  season_table_between(days->table, first, data->now) / data->unit_days, &alive, &gone);
		alive *= cell->customers / data->unit_days;
		gone *= cell->customers / data->unit_days;
		weigh_day(days, data->now, alive);
		weigh_day(days, last, gone);
		weigh_day(days, first, -(alive + gone));
	}
}

/* The effect of one slot: the zero of count - e^effect exposure - precision effect, by Newton's method from above. */
static double
slot_effect(double count, double exposure, double precision)
{
	double effect = count > 0.0 && exposure > 0.0 ? fmax(log(count / exposure), 0.0) : 0.0;

	for (int i = 0; i < MOST_STEPS; i++)
	{
		double expected = exp(effect) * exposure;
		double step = (count - expected - precision * effect) / (expected + precision);

		effect += step;
		if (!(fabs(step) > 1e-14 * fmax(1.0, fabs(effect))))
			break;
	}
	return effect;
}

/* What the waves are fitted to. */
typedef struct WaveData
{
	const double *counts;
	const double *exposures;
	double precision;
} WaveData;

static void
waves_at(int place, double *waves)
{
	for (int i = 0; i < SEASON_WAVES; i++)
	{
		double angle = 2.0 * M_PI * (i + 1) * (place + 0.5) / SEASON_PLACES;

		waves[2 * i] = cos(angle);
		waves[2 * i + 1] = sin(angle);
	}
}

static double
wave_sum(const double *waves, const double *coefficients)
{
	double sum = 0.0;

	for (int i = 0; i < N_WAVES; i++)
		sum += waves[i] * coefficients[i];
	return sum;
}

/* Minus the penalised Poisson log-likelihood of waves: they have mean 0, and the level is that of the exposures. */
static void
wave_objective(void *of, const double *theta, double *value, double *gradient, double *hessian)
{
	const WaveData *data = of;
	const int n = N_WAVES;

	*value = 0.0;
	memset(gradient, 0, sizeof(double) * n);
	memset(hessian, 0, sizeof(double) * n * n);
	for (int place = 0; place < SEASON_PLACES; place++)
	{
		double waves[N_WAVES];
		double ln, expected;

		waves_at(place, waves);
		ln = wave_sum(waves, theta);
		expected = data->exposures[place] * exp(ln);
		*value += expected - data->counts[place] * ln;
		for (int i = 0; i < n; i++)
		{
			gradient[i] += (expected - data->counts[place]) * waves[i];
			for (int k = 0; k < n; k++)
				hessian[i * n + k] += expected * waves[i] * waves[k];
		}
	}
	for (int i = 0; i < n; i++)
	{
		*value += 0.5 * data->precision * theta[i] * theta[i];
		gradient[i] += data->precision * theta[i];
		hessian[i * n + i] += data->precision;
	}
}

/* Effects of waves that fit the counts; returns false if there is no maximum in reach. */
static bool
fit_waves(const SeasonData *data, const double *exposures, double precision, Effects *effects)
{
	WaveData wave_data = {data->counts, exposures, precision};
	double theta[N_WAVES] = {0};
	TrustRegionResult result;

	trust_region_minimise(data->host, wave_objective, &wave_data, N_WAVES, 16.0, MOST_STEPS, theta, &result);
	for (int place = 0; place < SEASON_PLACES; place++)
	{
		double waves[N_WAVES];

		waves_at(place, waves);
		effects->ln[place] = wave_sum(waves, theta);
	}
	return result.outcome == TRUST_REGION_CONVERGED;
}

/*
 * The effects that fit counts and exposures. On the clock exposures are of factors with
 * mean 1; those of the effects as they are belong to rates e^level lower. Shifted, the
 * effects of slots have mean 0, where their penalty is least.
 */
static bool
fit_effects(const SeasonData *data, const EffectClock *clock, const double *exposed, Effects *effects)
{
	double exposures[SEASON_PLACES];
	double precision = EFFECT_PRECISION + data->penalty;
	int slots = season_slots(data->by);
	double mean = 0.0;

	for (int i = 0; i < slots; i++)
		exposures[i] = exposed[i] * exp(-clock->level);
	if (data->by == SEASON_BY_DAY)
		return fit_waves(data, exposures, precision, effects);
	for (int i = 0; i < slots; i++)
	{
		effects->ln[i] = slot_effect(data->counts[i], exposures[i], precision);
		mean += effects->ln[i] / slots;
	}
	for (int i = 0; i < slots; i++)
		effects->ln[i] -= mean;
	return true;
}

/* The parameters of the model on a clock, from those of an earlier fit if there was one. */
static void
fit_on_clock(const SeasonData *data, const Model *model, const SeasonClock *clock, Fit *fit)
{
	CovariateClass *classes = data->host->alloc((data->n_classes + 1) * sizeof(CovariateClass));

	for (size_t i = 0; i < data->n_classes; i++)
		classes[i] = (CovariateClass){
			.population = population_build_on(data->host, data->classes[i].cells, data->classes[i].n_cells,
											  data->unit_days, clock, data->now),
			.covariates = data->classes[i].covariates,
		};
	if (fit->converged && fit->prior_sd == 0.0)
	{
		Fit near = *fit;

		fit_timing_near(data->host, model, classes, data->n_classes, data->n_covariates, data->penalty, near.params,
						fit);
	}
	else
		fit_timing(data->host, model, classes, data->n_classes, data->n_covariates, data->penalty, fit);
	for (size_t i = 0; i < data->n_classes; i++)
		population_free((Population *) classes[i].population);
	data->host->release(classes);
}

/* The first day of any customer. */
static int64_t
earliest_day(const SeasonData *data)
{
	int64_t earliest = data->now;

	for (size_t i = 0; i < data->n_classes; i++)
		for (size_t k = 0; k < data->classes[i].n_cells; k++)
		{
			int64_t first = (int64_t) data->now - data->classes[i].cells[k].T_days;

			host_poll_at(k);
			earliest = first < earliest ? first : earliest;
		}
	return earliest;
}

/* What all slots were exposed to, under the parameters of a fit. Returns the share of the year in which customers were observed. */
static double
expose_all(const SeasonData *data, const Model *model, const SeasonClock *clock, const Fit *fit, double *exposed)
{
	SeasonTable table = season_table_make(data->host, clock, earliest_day(data), data->now);
	size_t n = (size_t) (table.last - table.first + 1);
	DayWeights days = {.table = &table, .weights = data->host->alloc(sizeof(double) * n)};
	double places[SEASON_PLACES];
	double total = 0.0;
	int seen = 0;

	memset(days.weights, 0, sizeof(double) * n);
	for (size_t i = 0; i < data->n_classes; i++)
	{
		double params[MODEL_MAX_PARAMS];

		fit_class_params(model, fit, data->n_covariates, data->classes[i].covariates, params);
		expose_class(data, &data->classes[i], model, params, &days);
	}
	for (size_t i = 0; i < n; i++)
		season_expose(&days.exposure, table.first + (int64_t) i, days.weights[i]);
	data->host->release(days.weights);
	season_table_free(data->host, &table);

	season_exposed(&days.exposure, SEASON_BY_DAY, places);
	for (int place = 0; place < SEASON_PLACES; place++)
		total += places[place];
	memset(exposed, 0, sizeof(double) * season_slots(data->by));
	for (int place = 0; place < SEASON_PLACES; place++)
	{
		/* what nobody was exposed to may be a rounding error */
		bool is_seen = places[place] > ROUNDING * total;

		exposed[season_slot_of_place(data->by, place)] += is_seen ? places[place] : 0.0;
		seen += is_seen;
	}
	return (double) seen / SEASON_PLACES;
}

/* One iteration: from effects to the parameters given them, and to the effects given these. */
static void
iterate(const SeasonData *data, const Model *model, const Effects *from, Effects *to, Fit *fit, SeasonFit *season)
{
	EffectClock clock;
	double exposed[SEASON_PLACES];

	set_clock(data->by, from, &clock);
	fit_on_clock(data, model, &clock.clock, fit);
	season->observed_share = expose_all(data, model, &clock.clock, fit, exposed);
	season->converged = fit_effects(data, &clock, exposed, to);
	memcpy(season->factors, clock.factor, sizeof(season->factors));
}

/* The largest difference of two effects; NaN if one is NaN. */
static double
distance(const SeasonData *data, const Effects *a, const Effects *b)
{
	double largest = 0.0;

	for (int i = 0; i < season_slots(data->by); i++)
	{
		double apart = fabs(a->ln[i] - b->ln[i]);

		if (!(apart <= largest))
			largest = apart;
	}
	return largest;
}

/*
 * Extrapolation of a fixed-point iteration: the step of which the linear model through
 * the last few steps expects most (Anderson, J. ACM 12 (1965); Walker & Ni, SIAM J.
 * Numer. Anal. 49 (2011)).
 */
typedef struct Extrapolation
{
	int n;      /* of an effect */
	int known;  /* earlier steps */
	Effects to; /* where the last step led */
	Effects step;
	Effects d_to[REMEMBERED]; /* how these differ from one step to the next, the latest first */
	Effects d_step[REMEMBERED];
} Extrapolation;

static double
product(int n, const Effects *a, const Effects *b)
{
	double sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += a->ln[i] * b->ln[i];
	return sum;
}

/* Solve a small positive system by elimination, lightly regularised; x holds the right side. */
static void
solve_normal(int n, double matrix[REMEMBERED][REMEMBERED], double *x)
{
	for (int i = 0; i < n; i++)
		matrix[i][i] *= 1.0 + 1e-10;
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++)
		{
			double share = matrix[i][i] > 0.0 ? matrix[k][i] / matrix[i][i] : 0.0;

			for (int j = i; j < n; j++)
				matrix[k][j] -= share * matrix[i][j];
			x[k] -= share * x[i];
		}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int j = i + 1; j < n; j++)
			x[i] -= matrix[i][j] * x[j];
		x[i] = matrix[i][i] > 0.0 ? x[i] / matrix[i][i] : 0.0;
	}
}

/* Remember a step from `effects` to `next`, and move the effects to where it seems to lead in the end. */
static void
extrapolate(Extrapolation *memory, Effects *effects, const Effects *next)
{
	double matrix[REMEMBERED][REMEMBERED];
	double share[REMEMBERED];
	Effects step = {0};

	for (int i = 0; i < memory->n; i++)
		step.ln[i] = next->ln[i] - effects->ln[i];
	if (memory->known > 0)
	{
		memmove(&memory->d_to[1], &memory->d_to[0], sizeof(Effects) * (REMEMBERED - 1));
		memmove(&memory->d_step[1], &memory->d_step[0], sizeof(Effects) * (REMEMBERED - 1));
		for (int i = 0; i < memory->n; i++)
		{
			memory->d_to[0].ln[i] = next->ln[i] - memory->to.ln[i];
			memory->d_step[0].ln[i] = step.ln[i] - memory->step.ln[i];
		}
	}
	memory->to = *next;
	memory->step = step;
	for (int i = 0; i < memory->known; i++)
	{
		share[i] = product(memory->n, &memory->d_step[i], &step);
		for (int k = 0; k < memory->known; k++)
			matrix[i][k] = product(memory->n, &memory->d_step[i], &memory->d_step[k]);
	}
	solve_normal(memory->known, matrix, share);
	*effects = *next;
	for (int i = 0; i < memory->known; i++)
		for (int k = 0; k < memory->n; k++)
			effects->ln[k] -= share[i] * memory->d_to[i].ln[k];
	if (memory->known < REMEMBERED)
		memory->known++;
}

/*
 * The fixed point of iterations that are shifted by a correction. Returns false if it is
 * not reached.
 */
static bool
find_fixed_point(const SeasonData *data, const Model *model, const Effects *shift, double precise, Effects *effects,
				 Fit *fit, int *iterations)
{
	Extrapolation *memory = data->host->alloc(sizeof(Extrapolation));
	double apart = INFINITY;

	memory->n = season_slots(data->by);
	memory->known = 0;
	for (int i = 0; i < MOST_STEPS && apart > precise; i++)
	{
		SeasonFit season;
		Effects next;
		double before = apart;

		iterate(data, model, effects, &next, fit, &season);
		++*iterations;
		for (int slot = 0; slot < memory->n; slot++)
			next.ln[slot] += shift->ln[slot];
		apart = distance(data, effects, &next);
		/* an extrapolation that led astray is forgotten */
		if (!(apart < 2.0 * before))
			memory->known = 0;
		extrapolate(memory, effects, &next);
	}
	data->host->release(memory);
	return apart <= precise;
}

/* Lists the cells of a population in calendar time. */
static PopulationCell *
list_cells(const Population *population, size_t *count)
{
	PopulationCell *cells =
		population->host->alloc((population->n_cells + population->n_ages + 1) * sizeof(PopulationCell));
	size_t n = 0;

	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		population->host->check_interrupts();
		for (size_t i = class[0].first_age; class->x == 0 && i < class[1].first_age; i++)
			cells[n++] = (PopulationCell){
				.T_days = (int32_t) lround(population->ages[i].T * population->unit_days),
				.customers = population->ages[i].customers,
			};
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			for (size_t k = population->recencies[i].first_cell; k < population->recencies[i + 1].first_cell; k++)
				cells[n++] = (PopulationCell){
					.x = class->x,
					.t_x_days = (int32_t) lround(population->recencies[i].t_x * population->unit_days),
					.T_days = (int32_t) lround(population->ages[population->cells[k].age].T * population->unit_days),
					.customers = population->cells[k].customers,
				};
	}
	*count = n;
	return cells;
}

static void
free_copy(const SeasonData *data, SeasonClass *copy, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data->host->release((void *) copy[i].cells);
	data->host->release(copy);
}

/* A coarse copy of the classes; NULL if it would save too little time. */
static SeasonClass *
copy_coarsely(const SeasonData *data)
{
	SeasonClass *copy;
	size_t all = 0;
	size_t fewer = 0;

	for (size_t i = 0; i < data->n_classes; i++)
		all += data->classes[i].n_cells;
	if (all < LARGE)
		return NULL;
	copy = data->host->alloc((data->n_classes + 1) * sizeof(SeasonClass));
	for (size_t i = 0; i < data->n_classes; i++)
	{
		Population *whole =
			population_build(data->host, data->classes[i].cells, data->classes[i].n_cells, data->unit_days);
		Population *coarse = population_coarsen(whole, COPY_FINENESS);

		copy[i] = data->classes[i];
		copy[i].cells = list_cells(coarse, &copy[i].n_cells);
		fewer += copy[i].n_cells;
		population_free(coarse);
		population_free(whole);
	}
	if (WORTH_IT * fewer <= all)
		return copy;
	free_copy(data, copy, data->n_classes);
	return NULL;
}

/* Effects whose iteration leads back to them, from a copy of the data. */
static void
correct_from_copy(const SeasonData *data, const Model *model, const SeasonClass *copy, Effects *effects, Fit *fit,
				  SeasonFit *season)
{
	SeasonData coarse = *data;
	Effects shift = {{0}};
	double apart = INFINITY;
	int of_copy = 0;

	coarse.classes = copy;
	for (int i = 0; i < MOST_CORRECTIONS && apart > PRECISE; i++)
	{
		Effects next;

		(void) find_fixed_point(&coarse, model, &shift, COPY_PRECISE * PRECISE, effects, fit, &of_copy);
		iterate(data, model, effects, &next, fit, season);
		season->iterations++;
		apart = distance(data, effects, &next);
		for (int slot = 0; slot < season_slots(data->by); slot++)
			shift.ln[slot] += next.ln[slot] - effects->ln[slot];
	}
	season->converged &= apart <= PRECISE;
}

void
fit_season(const SeasonData *data, const Model *model, SeasonFit *season, Fit *fit)
{
	SeasonClass *copy = copy_coarsely(data);
	Effects effects = {{0}};

	fit->converged = false;
	*season = (SeasonFit){.converged = false};
	if (copy != NULL)
	{
		correct_from_copy(data, model, copy, &effects, fit, season);
		free_copy(data, copy, data->n_classes);
	}
	else
	{
		Effects none = {{0}};
		Effects next;
		bool found = find_fixed_point(data, model, &none, PRECISE, &effects, fit, &season->iterations);

		iterate(data, model, &effects, &next, fit, season);
		season->iterations++;
		season->converged &= found;
	}
	season->ln_factors = season_ln_factors(data->by, season->factors, data->counts);
	fit->log_likelihood += season->ln_factors;
	fit->comparable += season->ln_factors;
	fit->converged &= season->converged;
}
