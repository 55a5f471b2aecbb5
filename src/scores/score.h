/*
 * score.h
 *	  The data of a customer that the models use, and the scores.
 *
 * Private to this room: shared by the scores and their intervals.
 */
#ifndef SCORES_SCORE_H
#define SCORES_SCORE_H

#include "clv_model/model_args.h"
#include "history/history.h"
#include "scores/cache.h"
#include "support/args.h"

typedef enum ScoreStatus
{
	SCORE_OK,
	SCORE_ONE_ORDER,    /* scored; the transaction value is the population's */
	SCORE_WEAK_FIT,     /* scored, by a model that is not reliable */
	SCORE_LATER_ORDERS, /* scored as of the model's day, though there are later orders */
	SCORE_NO_MODEL,
	SCORE_NO_ORDERS,
	SCORE_NOT_YET,       /* the first order comes after the day */
	SCORE_NO_COVARIATES, /* one is NULL or not finite */
	SCORE_INCONSISTENT,  /* plain numbers that are impossible for a customer */
	SCORE_NO_SPEND_MODEL,
	SCORE_NO_AMOUNTS,
	SCORE_NO_REPEAT_SPEND, /* net spend on repeat transactions is not positive */
	SCORE_SPEND_UNDEFINED, /* the spend model has no mean */
	SCORE_OUT_OF_RANGE,
	N_SCORE_STATUSES,
} ScoreStatus;

/* Where a customer stands. */
typedef enum Lifecycle
{
	LIFECYCLE_NONE = -1, /* there is no score */
	LIFECYCLE_NEW,
	LIFECYCLE_ACTIVE,
	LIFECYCLE_SLIPPING,
	LIFECYCLE_PROBABLY_LOST,
	LIFECYCLE_LOST,
	N_LIFECYCLES,
} Lifecycle;

/* Their words in SQL. */
extern const char *const score_status_words[N_SCORE_STATUSES];
extern const char *const lifecycle_words[N_LIFECYCLES];

/* Customers with at least this probability of being alive count as alive. */
#define CLV_PROBABLY_ALIVE 0.5

/* The data of a customer that the models use; times in the model's unit. */
typedef struct Customer
{
	bool scorable; /* if not, status has the reason and the rest is unset */
	ScoreStatus status;
	const ClvModel *model;
	const Model *timing;
	TransactionCache *cache; /* results cached in this query; may be NULL */
	DateADT as_of;           /* the day at the end of T; not known for plain numbers */
	double x;
	double t_x;
	double T;
	double spend;         /* on repeat transactions; NaN: not known */
	double value;         /* of a transaction, once computed; NaN before, and where there is none */
	const Season *season; /* of the model; NULL: it has none, and the four that follow are not set */
	SeasonClock clock;
	double first; /* days: the first and the last transaction, and the end of T */
	double last;
	double today;
	double ln_silence; /* of the timing model, once computed; NaN before */
	double alive;      /* P(alive), P(gone) and overdue_prob, the same */
	double gone;
	double overdue;
	double covariates[FIT_MAX_COVARIATES]; /* as many as the model has */
} Customer;

/* Horizon, discount and margin: the arguments that all values share. */
typedef struct ValueTerms
{
	double horizon_days;
	double annual_discount;
	double margin;
} ValueTerms;

/*
 * Arguments (history, model, …, as_of, covariates): the customer as of that
 * day. Functions that do not need covariates end with as_of.
 */
extern void customer_of_history(FunctionCallInfo fcinfo, int as_of_place, Customer *customer);

/* The same in two steps, with the history as it was read; where there is no customer it is not read. */
extern void customer_before_covariates(FunctionCallInfo fcinfo, int as_of_place, Customer *customer,
									   HistorySummary *history);
extern void customer_add_covariates(FunctionCallInfo fcinfo, int argno, Customer *customer);

/*
 * Arguments (repeat_count, recency_days, tenure_days, …, covariates): the
 * numbers that a history provides. Without avg_value (argno -1) the spend is
 * not known; the day is known for functions with an as_of, see
 * as_of_argument().
 */
extern void customer_of_numbers(FunctionCallInfo fcinfo, int avg_value_place, int model_place, Customer *customer);

/* The same with an argument as_of, on which the numbers stand: it matters to a model with a season. */
extern void customer_of_numbers_as_of(FunctionCallInfo fcinfo, int avg_value_place, int model_place, int as_of_place,
									  Customer *customer);

/* Arguments horizon_days, annual_discount and margin, checked. */
extern ValueTerms value_terms_arguments(FunctionCallInfo fcinfo, int argno);

/* The parameters of the timing model for this customer; buf receives those that covariates change. */
static inline const double *
customer_params(const Customer *customer, double *buf)
{
	return clv_model_params(customer->model, customer->covariates, buf);
}

/*
 * A horizon in the model's unit, counted from the customer's as_of: on the clock of its season, or, of a model on two
 * clocks, on the calendar's.
 */
extern double customer_calendar_horizon(const Customer *customer, double horizon_days);

static inline double
customer_horizon(const Customer *customer, double horizon_days)
{
	return likely(customer->season == NULL && customer->model->period == PERIOD_DAY)
		? horizon_days / customer->model->unit_days
		: customer_calendar_horizon(customer, horizon_days);
}

/* A customer with x repeat transactions, from the days of the first and the last transaction and of the score. */
extern void customer_of_days(const ClvModel *model, double x, double first, double last, double today,
							 Customer *customer);

/* Probability of so many transactions in a horizon in the model's unit. */
extern double customer_transactions_pmf(Customer *customer, double horizon, double transactions);

/* Of fewer than so many (whole, > 0), in a time that does not grow with their number; only where that is known. */
extern bool customer_knows_fewer_prob(const Customer *customer);
extern double customer_fewer_prob(Customer *customer, double horizon, double transactions);

/* Expected transactions from one day to another of a customer acquired on the first, with these parameters; and the probability of so many. */
extern double newcomer_transactions(const ClvModel *model, const double *params, double from, double until);
extern double newcomer_transactions_pmf(const ClvModel *model, const double *params, double from, double until,
										double transactions);

/* Transactions of the horizon, which may be infinite, each discounted from its day, if the customer is alive. */
extern double customer_discounted_if_alive(const Customer *customer, double horizon_days, double annual_discount);

/* The scores; NaN where there is none, and the customer's status may say why. */
extern double customer_alive_prob(Customer *customer);
extern double customer_churn_prob(Customer *customer);
extern double customer_overdue_prob(Customer *customer);

/* ln of the probability that they have made no purchase since the last if they are alive, for overdue_prob and P(alive). */
extern double customer_ln_silence(Customer *customer, const double *params);
extern double customer_transaction_value(Customer *customer);

/* Expected value of a transaction from arguments repeat_count and avg_value; NaN where there is none. */
extern double numbers_transaction_value(FunctionCallInfo fcinfo, int avg_value_place, int model_place);
extern double expected_transactions_in(Customer *customer, double horizon_days);
extern double lifetime_value(Customer *customer, const ValueTerms *terms);
extern double customer_order_prob(Customer *customer, double horizon_days);

/* The same of 1, 2, ... days with a season, in a time that grows with their number. Of a scorable customer. */
extern void customer_order_probs(Customer *customer, int days, double *probs);

/* All transactions of the horizon, which may be infinite, each discounted from its day. */
extern double customer_discounted_transactions(Customer *customer, double horizon_days, double annual_discount);

/* An answer from the customer's cache, if there is one, or computed; the terms are those of its kind. */
extern double customer_answer(const Customer *customer, CachedAnswer kind, double T, double term, double other_term);

/* The day of the next order, a quantile; false for a customer who is probably gone, or if it is beyond the calendar. */
extern bool customer_next_order(Customer *customer, double quantile, DateADT *day);

/* Days since the next order was to be expected; false if there is no saying. */
extern bool customer_days_overdue(const Customer *customer, int32 *days);

extern Lifecycle customer_lifecycle(Customer *customer);

/* Whether the customer can be scored, for a year, or why not; by_default: nobody has named the day. */
extern ScoreStatus customer_status(Customer *customer, Datum history, const HistorySummary *seen, bool by_default);

/* Gives the customer a cache, if they are scorable, and prefetches where it has them; then what it has of them. */
extern void customer_use_cache(Customer *customer, TransactionCache *cache);
extern void customer_prefetch(const Customer *customer);

#endif /* SCORES_SCORE_H */
