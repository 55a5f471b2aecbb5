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
 * same maximum. So the iterations run on the copy, corrected by what the gradient of all
 * customers in the parameters and an iteration of theirs differ from those of the copy:
 * each such correction gains as many digits as the copy is like the original (Stetter,
 * Numer. Math. 29 (1978): defect correction), and a few evaluations of all customers
 * are enough.
 */
#include "models/core/fit_season.h"

#include <math.h>
#include <string.h>

#include "numerics/sum.h"
#include "numerics/trust_region.h"

/* Precision of the penalty on each effect: within a factor of e of the mean, a weak one. */
#define EFFECT_PRECISION 1.0

/* Iterations end when no ln of a factor changes by more; those of a copy, whose result is corrected, by this share of that, or of the last correction. */
#define PRECISE 1e-6
#define COPY_PRECISE 0.01
#define FIRST_APART 0.01

/* How far the parameters may be from the maximum when the last fit begins, as distance_of_params() has it. */
#define PRECISE_PARAMS 1e-4
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

/* Set the clock of all populations. */
static void
set_clocks(const SeasonData *data, const SeasonClock *clock)
{
	for (size_t i = 0; i < data->n_classes; i++)
		population_set_clock((Population *) data->classes[i].population, clock);
}

/* The parameters of the model on the clock, from those of an earlier fit if there was one, to the maximum less the tilt. */
static void
fit_on_clock(const SeasonData *data, const Model *model, const double *tilt, Fit *fit)
{
	if (fit->converged && fit->prior_sd == 0.0)
	{
		Fit near = *fit;

		fit_timing_near(data->host, model, data->classes, data->n_classes, data->n_covariates, data->penalty,
						near.params, tilt, fit);
	}
	else
		fit_timing(data->host, model, data->classes, data->n_classes, data->n_covariates, data->penalty, fit);
}

/* The first and the last day that weights are added up for. */
static SeasonWeights
weights_make(const SeasonData *data)
{
	SeasonWeights weights = {.first = INT64_MAX, .last = INT64_MIN};
	size_t n;

	for (size_t i = 0; i < data->n_classes; i++)
	{
		const SeasonTable *table = &data->classes[i].population->days->table;

		weights.first = table->first < weights.first ? table->first : weights.first;
		weights.last = table->last > weights.last ? table->last : weights.last;
	}
	n = (size_t) (weights.last - weights.first + 1);
	weights.by_day = data->host->alloc(sizeof(double) * n);
	memset(weights.by_day, 0, sizeof(double) * n);
	return weights;
}

/*
 * What all slots were exposed to, under the parameters of a fit, and the gradient in them. Returns the share of the
 * year in which customers were observed.
 */
static double
expose_all(const SeasonData *data, const Model *model, const Fit *fit, double *exposed, double *gradient)
{
	SeasonWeights weights = weights_make(data);
	double places[SEASON_PLACES];
	double total = 0.0;
	int seen = 0;

	fit_timing_expose(data->host, model, data->classes, data->n_classes, data->n_covariates, fit, &weights, gradient);
	for (int64_t day = weights.first; day <= weights.last; day++)
		season_expose(&weights.before, day, weights.by_day[day - weights.first]);
	data->host->release(weights.by_day);

	season_exposed(&weights.before, SEASON_BY_DAY, places);
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

/* The effects given the parameters of a fit, on the clock of the present ones, and the gradient in the parameters. */
static bool
next_effects(const SeasonData *data, const Model *model, const EffectClock *clock, const Fit *fit, Effects *next,
			 double *gradient, SeasonFit *season)
{
	double exposed[SEASON_PLACES];

	season->observed_share = expose_all(data, model, fit, exposed, gradient);
	memcpy(season->factors, clock->factor, sizeof(season->factors));
	return fit_effects(data, clock, exposed, next);
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

/* What iterations on a copy are corrected by: the effects' shift, and what the gradient in the variables of the fit lacks. */
typedef struct Correction
{
	Effects shift;
	double tilt[FIT_MAX_PARAMS];
} Correction;

/* The fixed point of iterations, corrected. Returns false if it is not reached. */
static bool
find_fixed_point(const SeasonData *data, const Model *model, const Correction *correction, double precise,
				 Effects *effects, Fit *fit, SeasonFit *season)
{
	Extrapolation *memory = data->host->alloc(sizeof(Extrapolation));
	double apart = INFINITY;

	memory->n = season_slots(data->by);
	memory->known = 0;
	for (int i = 0; i < MOST_STEPS && apart > precise; i++)
	{
		EffectClock clock;
		Effects next;
		double gradient[FIT_MAX_PARAMS];
		double before = apart;

		set_clock(data->by, effects, &clock);
		set_clocks(data, &clock.clock);
		fit_on_clock(data, model, correction->tilt, fit);
		season->converged = next_effects(data, model, &clock, fit, &next, gradient, season);
		season->iterations++;
		for (int slot = 0; slot < memory->n; slot++)
			next.ln[slot] += correction->shift.ln[slot];
		apart = distance(data, effects, &next);
		if (apart <= precise)
			break;
		/* an extrapolation that led astray is forgotten */
		if (!(apart < 2.0 * before))
			memory->known = 0;
		extrapolate(memory, effects, &next);
	}
	data->host->release(memory);
	return apart <= precise;
}

static size_t
count_cells(const CovariateClass *classes, size_t n_classes)
{
	size_t cells = 0;

	for (size_t i = 0; i < n_classes; i++)
		cells += classes[i].population->n_cells + classes[i].population->n_ages;
	return cells;
}

static void
free_copy(const SeasonData *data, CovariateClass *copy)
{
	for (size_t i = 0; i < data->n_classes; i++)
		population_free((Population *) copy[i].population);
	data->host->release(copy);
}

/* A coarse copy of the classes; NULL if it would save too little time. */
static CovariateClass *
copy_coarsely(const SeasonData *data)
{
	size_t all = count_cells(data->classes, data->n_classes);
	CovariateClass *copy;

	if (all < LARGE)
		return NULL;
	copy = data->host->alloc((data->n_classes + 1) * sizeof(CovariateClass));
	for (size_t i = 0; i < data->n_classes; i++)
		copy[i] = (CovariateClass){
			.population = population_coarsen(data->classes[i].population, COPY_FINENESS),
			.covariates = data->classes[i].covariates,
		};
	if (WORTH_IT * count_cells(copy, data->n_classes) <= all)
		return copy;
	free_copy(data, copy);
	return NULL;
}

/* How far the parameters are from the maximum, for their uncertainty: the gradient times the covariance, squared. */
static double
distance_of_params(const Fit *fit, const double *gradient)
{
	double sum = 0.0;

	for (int i = 0; i < fit->n_params; i++)
		for (int k = 0; k < fit->n_params; k++)
			sum += gradient[i] * fit->covariance[i * fit->n_params + k] * gradient[k];
	return sum;
}

/* How far a fixed point of a copy was from that of all customers: the effects, and the parameters. */
typedef struct Distance
{
	double effects;
	double params;
} Distance;

/* Correct a copy at the fixed point of its iterations by all customers. Returns how far it was from theirs. */
static Distance
correct_copy(const SeasonData *data, const SeasonData *copy, const Model *model, const Effects *effects, const Fit *fit,
			 Correction *correction, SeasonFit *season)
{
	double gradient[FIT_MAX_PARAMS];
	double of_copy[FIT_MAX_PARAMS];
	SeasonFit unused;
	EffectClock clock;
	Effects next, next_of_copy;

	set_clock(data->by, effects, &clock);
	set_clocks(data, &clock.clock);
	set_clocks(copy, &clock.clock);
	season->converged = next_effects(data, model, &clock, fit, &next, gradient, season);
	(void) next_effects(copy, model, &clock, fit, &next_of_copy, of_copy, &unused);
	season->iterations++;
	for (int i = 0; i < fit->n_params; i++)
	{
		double lacking = gradient[i] - of_copy[i];

		gradient[i] = lacking - correction->tilt[i];
		correction->tilt[i] = lacking;
	}
	for (int slot = 0; slot < season_slots(data->by); slot++)
		correction->shift.ln[slot] = next.ln[slot] - next_of_copy.ln[slot];
	/* a fit that needs the prior takes no tilt: its parameters are those of the last fit, whatever the copy's are */
	return (Distance){distance(data, effects, &next), fit->prior_sd > 0.0 ? 0.0 : distance_of_params(fit, gradient)};
}

/* Whether the fixed point of a copy is near enough once it is corrected, if that gains as much as the last time. */
static bool
is_precise(Distance apart, Distance before)
{
	return apart.effects * fmin(apart.effects / before.effects, 1.0) <= PRECISE &&
		apart.params * fmin(apart.params / before.params, 1.0) <= PRECISE_PARAMS;
}

/* Effects whose iteration leads back to them, from a copy of the data. Returns false if they are not found. */
static bool
find_from_copy(const SeasonData *data, const Model *model, const CovariateClass *classes, Effects *effects, Fit *fit,
			   SeasonFit *season)
{
	SeasonData copy = *data;
	Correction *correction = data->host->alloc(sizeof(Correction));
	SeasonFit of_copy = {.iterations = 0};
	Distance apart = {FIRST_APART, 0.0};
	bool found = false;

	memset(correction, 0, sizeof(Correction));
	copy.classes = classes;
	for (int i = 0; i < MOST_CORRECTIONS && !found; i++)
	{
		Distance before = apart;

		(void) find_fixed_point(&copy, model, correction, fmax(0.1 * PRECISE, COPY_PRECISE * apart.effects), effects,
								fit, &of_copy);
		apart = correct_copy(data, &copy, model, effects, fit, correction, season);
		found = is_precise(apart, before);
	}
	found =
		found && season->converged && find_fixed_point(&copy, model, correction, 0.1 * PRECISE, effects, fit, &of_copy);
	data->host->release(correction);
	return found;
}

/* The factors of the effects, and the parameters, and what is said of them, on their clock. */
static void
fit_last(const SeasonData *data, const Model *model, const Effects *effects, Fit *fit, SeasonFit *season)
{
	EffectClock clock;

	set_clock(data->by, effects, &clock);
	set_clocks(data, &clock.clock);
	fit_on_clock(data, model, NULL, fit);
	memcpy(season->factors, clock.factor, sizeof(season->factors));
}

void
fit_season(const SeasonData *data, const Model *model, SeasonFit *season, Fit *fit)
{
	CovariateClass *copy = copy_coarsely(data);
	Correction none = {.tilt = {0}};
	Effects effects = {{0}};

	fit->converged = false;
	*season = (SeasonFit){.converged = false};
	if (copy != NULL)
	{
		season->converged = find_from_copy(data, model, copy, &effects, fit, season);
		free_copy(data, copy);
		fit_last(data, model, &effects, fit, season);
	}
	else
		season->converged &= find_fixed_point(data, model, &none, PRECISE, &effects, fit, season);
	season->ln_factors = season_ln_factors(data->by, season->factors, data->counts);
	fit->log_likelihood += season->ln_factors;
	fit->comparable += season->ln_factors;
	fit->converged &= season->converged;
}
