/*
 * equity.c
 *	  customer_equity as a value: growing, stored, read.
 *
 * The stored form is a string of bytes: version byte, length of the model (varint), the
 * model as it is stored itself, as_of (varint, sign folded), margin and annual_discount,
 * customers, those left out by reason (varints), the number of sums (varint), and of
 * each sum how many doubles it is (1 byte) and these.
 */
#include "compat.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "equity/equity.h"
#include "scores/score.h"
#include "support/bytes.h"
#include "support/server_host.h"
#include "support/sums.h"

#define EQUITY_VERSION 1

/* So many entries are in the log at most, after it was put in order. */
#ifdef COUNT_MAP_EAGER
#define MAX_LOG 8
#else
#define MAX_LOG (1 << 19)
#endif

#define CELL_GROUP(x) (UINT64CONST(1) << 56 | (uint64) (x) << 32)

const char *const equity_left_out_words[EQUITY_LEFT_OUT] = {
	[EQUITY_NO_ORDERS] = "no_orders",
	[EQUITY_NO_AMOUNTS] = "no_amounts",
	[EQUITY_NO_REPEAT_SPEND] = "no_repeat_spend",
	[EQUITY_SPEND_UNDEFINED] = "spend_mean_undefined",
	[EQUITY_OUT_OF_RANGE] = "out_of_range",
};

static struct varlena *pack_map(CountMap *map);
static void log_compacted(CountMap *map);

const CountMapType equity_map_type = {
	.name = "customer_equity",
	.max_entries = PG_UINT32_MAX,
	.counted = "customers",
	.hint = "Build one per region or cohort.",
	.pack = pack_map,
	.compacted = log_compacted,
};

const char *
equity_head_problem(const EquityHead *head)
{
	if (!IS_VALID_DATE(head->as_of))
		return "the day is out of range";
	if (!(head->margin > -1) || !(head->margin <= 1))
		return "the margin is not between -1 and 1";
	if (!(head->annual_discount >= 0) || isinf(head->annual_discount))
		return "the discount is no rate of at least 0";
	if (head->model->n_covariates > 0)
		return "the model has covariates";
	if (clv_model_season(head->model) != NULL)
		return "the model has a season";
	return head->model->spend.n_params == 0 ? "the model has no spend part" : NULL;
}

EquityTerms
equity_terms(const EquityHead *head)
{
	const ClvModel *model = head->model;
	Customer anybody = {.model = model, .as_of = head->as_of};
	EquityTerms terms = {
		.timing = clv_model_timing(model),
		.spend = clv_model_spend(model),
		.margin = head->margin,
		.delta = clv_model_discount_rate(model, head->annual_discount),
	};

	for (int i = 0; i < EQUITY_OTHER_DISCOUNTS; i++)
	{
		double discount = equity_other_discount(head, i);

		terms.other_delta[i] = discount > 0 ? clv_model_discount_rate(model, discount) : NAN;
	}
	memcpy(terms.params, model->timing.params, terms.timing->n_params * sizeof(double));
	memcpy(terms.spend_params, model->spend.params, sizeof(terms.spend_params));
	for (int h = 0; h < EQUITY_HORIZONS; h++)
		terms.horizon[h] =
			h == EQUITY_WITHOUT_END ? INFINITY : customer_horizon(&anybody, equity_horizon_years[h] * YEAR_DAYS);
	terms.unbounded = terms.delta == 0 && (!equity_can_do_without_discount(terms.timing) || equity_is_infinite(&terms));
	return terms;
}

bool
equity_set_sum_count(EquityContent *content, uint64 count)
{
	content->no_others = false;
	content->no_others = count != equity_stored_sums(content);
	return count == equity_stored_sums(content);
}

EquitySums *
equity_sums_make(MemoryContext context)
{
	return MemoryContextAllocZero(context, sizeof(EquitySums));
}

EquityState *
equity_state_make(const EquityHead *head, MemoryContext parent)
{
	EquityState *state = count_map_make(&equity_map_type, sizeof(EquityState), parent);

	state->content.head = *head;
	state->content.head.model = memcpy(MemoryContextAlloc(agg_state_context(&state->map.growing), VARSIZE(head->model)),
									   head->model, VARSIZE(head->model));
	state->terms = equity_terms(head);
	return state;
}

static void
count_more(int64 *count, int64 more)
{
	if (pg_add_s64_overflow(*count, more, count))
		count_map_out_of_range(&equity_map_type);
}

/* The sums, where they are needed first. */
static EquitySums *
state_sums(EquityState *state)
{
	if (state->content.sums == NULL)
		state->content.sums = equity_sums_make(agg_state_context(&state->map.growing));
	return state->content.sums;
}

/* Puts into the content what the sums counted since this was done last. */
static void
count_valued(EquityState *state)
{
	EquitySums *sums = state_sums(state);

	count_more(&state->content.customers, sums->customers);
	count_more(&state->content.left_out[EQUITY_OUT_OF_RANGE], sums->out_of_range);
	sums->customers = sums->out_of_range = 0;
}

/* Times in the model's unit: days, or periods, which are their own. */
static double
in_unit(const EquityHead *head, double days)
{
	return head->model->period == PERIOD_DAY ? days / head->model->unit_days : days;
}

static int32
as_of_number(const EquityHead *head)
{
	return period_number((Period) head->model->period, head->as_of);
}

/* The key of a cell; its lowest bit tells its spend from its customers. */
static inline uint64
cell_detail(int32 first, uint32 t_x)
{
	return (uint64) ((uint32) first ^ 0x80000000U) << 32 | (uint64) t_x << 1;
}

/*
 * Where the spend model is not linear, the spend of each is part of the key, to seven digits: as the 32 bits of a
 * number of single precision. Otherwise these are zero, which is the number 0.
 */
static inline uint64
spend_in_group(float spend)
{
	uint32 bits;

	memcpy(&bits, &spend, sizeof(bits));
	return bits;
}

static inline double
spend_of_group(uint64 group)
{
	uint32 bits = (uint32) group;
	float spend;

	memcpy(&spend, &bits, sizeof(spend));
	return spend;
}

/* The cell of an entry, and of the next one if that is its spend; how many entries it was. */
static uint32
read_cell(const EquityHead *head, const CountEntry *entries, uint32 left, EquityCell *cell)
{
	const CountEntry *entry = entries;
	int32 first = (int32) ((uint32) (entry->detail >> 32) ^ 0x80000000U);

	*cell = (EquityCell){
		.x = (uint32) (entry->group >> 32) & 0xFFFFFF,
		.t_x = in_unit(head, (uint32) entry->detail >> 1),
		.T = in_unit(head, (double) as_of_number(head) - first),
		.customers = entry->value,
		.each = spend_of_group(entry->group),
	};
	if (left < 2 || entries[1].group != entry->group || entries[1].detail != (entry->detail | 1))
		return 1;
	cell->spend = entries[1].value;
	return 2;
}

/* Adds the log, which is in order, to the sums. */
static void
empty_log(EquityState *state)
{
	CountMap *map = &state->map;
	EquityCell *cells;
	Size n = 0;

	if (map->used == 0)
		return;
	cells = MemoryContextAllocHuge(CurrentMemoryContext, map->used * sizeof(EquityCell));
	for (uint32 i = 0; i < map->used;)
	{
		CHECK_FOR_INTERRUPTS();
		i += read_cell(&state->content.head, &map->entries[i], map->used - i, &cells[n++]);
	}
	equity_add(&server_host, &state->terms, cells, n, state_sums(state));
	pfree(cells);
	map->used = map->n_sorted = 0;
	count_valued(state);
}

static void
log_compacted(CountMap *map)
{
	if (map->used > MAX_LOG)
		empty_log((EquityState *) map);
}

void
equity_state_add(EquityState *state, uint32 x, int32 first, uint32 t_x, double spend)
{
	const EquityHead *head = &state->content.head;
	const EquityTerms *terms = &state->terms;
	bool linear = terms->spend->linear;
	double units = x == 0 ? 0 : rint(spend / equity_spend_unit(terms->spend, terms->spend_params));

	if (unlikely(!(linear ? units < EQUITY_MAX_UNITS : x == 0 || (spend >= FLT_MIN && spend <= FLT_MAX))))
	{
		equity_add_large(&server_host, terms, x, in_unit(head, t_x), in_unit(head, (double) as_of_number(head) - first),
						 spend, state_sums(state));
		count_valued(state);
		return;
	}
	if (x == 0)
		count_map_add_hot(&state->map, CELL_GROUP(0), cell_detail(first, 0), 1);
	else if (!linear)
		count_map_add(&state->map, CELL_GROUP(x) | spend_in_group((float) spend), cell_detail(first, t_x), 1);
	else
	{
		count_map_add(&state->map, CELL_GROUP(x), cell_detail(first, t_x), 1);
		count_map_add(&state->map, CELL_GROUP(x), cell_detail(first, t_x) | 1, (int64) units);
	}
}

void
equity_state_leave_out(EquityState *state, EquityLeftOut reason, int64 customers)
{
	count_more(&state->content.left_out[reason], customers);
}

void
equity_state_merge(EquityState *state, const EquityContent *other)
{
	EquitySums *sums = state_sums(state);

	count_more(&state->content.customers, other->customers);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		equity_state_leave_out(state, i, other->left_out[i]);
	state->content.no_others |= other->no_others;
	for (int i = 0; i < equity_stored_sums(other); i++)
		exact_sum_merge(&sums->sum[i], &other->sums->sum[i]);
}

struct varlena *
equity_pack(const EquityContent *content)
{
	int n = equity_stored_sums(content);
	Size model_bytes = VARSIZE(content->head.model) - VARHDRSZ;
	struct varlena *value =
		palloc(VARHDRSZ + 32 + (4 + EQUITY_LEFT_OUT) * MAX_VARINT_BYTES + model_bytes + n * MAX_EXACT_SUM_BYTES);
	ExactSum none = {0};
	uint8 *at = (uint8 *) VARDATA(value);

	*at++ = EQUITY_VERSION;
	at = put_varint(at, model_bytes);
	memcpy(at, VARDATA(content->head.model), model_bytes);
	at = put_varint(at + model_bytes, zigzag_encode(content->head.as_of));
	at = put_float8(at, content->head.margin);
	at = put_float8(at, content->head.annual_discount);
	at = put_varint(at, content->customers);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		at = put_varint(at, content->left_out[i]);
	at = put_varint(at, n);
	for (int i = 0; i < n; i++)
		at = put_exact_sum(at, content->sums == NULL ? &none : &content->sums->sum[i]);
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

static struct varlena *
pack_map(CountMap *map)
{
	count_map_compact(map);
	empty_log((EquityState *) map);
	return equity_pack(&((EquityState *) map)->content);
}

EquityContent
equity_get(Datum equity)
{
	struct varlena *value = agg_state_stored(equity);
	const uint8 *at = (const uint8 *) VARDATA_ANY(value);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(value);
	EquityContent content = {.sums = equity_sums_make(CurrentMemoryContext)};
	uint64 bytes;

	if (end - at < 1)
		bytes_end_early();
	if (*at != EQUITY_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of a stored customer_equity", *at)));
	at++;
	bytes = get_varint(&at, end);
	if (bytes > end - at)
		bytes_end_early();

	struct varlena *model = palloc(VARHDRSZ + bytes);

	SET_VARSIZE(model, VARHDRSZ + bytes);
	memcpy(VARDATA(model), at, bytes);
	at += bytes;
	content.head.model = clv_model_get(PointerGetDatum(model));
	content.head.as_of = (DateADT) zigzag_decode(get_varint(&at, end));
	content.head.margin = get_float8(&at, end);
	content.head.annual_discount = get_float8(&at, end);
	content.customers = (int64) get_varint(&at, end);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		content.left_out[i] = (int64) get_varint(&at, end);
	if (!equity_set_sum_count(&content, get_varint(&at, end)))
		bytes_end_early();
	for (int i = 0; i < equity_stored_sums(&content); i++)
		get_exact_sum(&at, end, &content.sums->sum[i]);
	return content;
}
