/*
 * timing.h
 *	  The right time: when customers need something again, and which hours they prefer.
 */
#ifndef TIMING_TIMING_H
#define TIMING_TIMING_H

#include "compat.h"

#include "support/count_value.h"

/*
 * replenishment: customers by their number of intervals, which is the group. Sums
 * are whole numbers of 2^-48, their upper and lower 32 bits summed up apart, so
 * that customers add in any order. The shape of the intervals came later: what is
 * older has it of no customer.
 */
typedef enum ReplenishmentDetail
{
	REPLENISHMENT_CUSTOMERS,
	REPLENISHMENT_MEAN_HIGH,
	REPLENISHMENT_MEAN_LOW,
	REPLENISHMENT_SQUARE_HIGH,
	REPLENISHMENT_SQUARE_LOW,
	REPLENISHMENT_VARIANCE_HIGH,
	REPLENISHMENT_VARIANCE_LOW,
	REPLENISHMENT_SHAPED, /* customers of whom these are: */
	REPLENISHMENT_CUBE_HIGH,
	REPLENISHMENT_CUBE_LOW,
	REPLENISHMENT_FOURTH_HIGH,
	REPLENISHMENT_FOURTH_LOW,
	REPLENISHMENT_THIRD_MOMENT_HIGH, /* and REPLENISHMENT_THIRD_ADDED, so that it is not negative */
	REPLENISHMENT_THIRD_MOMENT_LOW,
	REPLENISHMENT_FOURTH_MOMENT_HIGH,
	REPLENISHMENT_FOURTH_MOMENT_LOW,
	REPLENISHMENT_VARIANCE_SQUARE_HIGH,
	REPLENISHMENT_VARIANCE_SQUARE_LOW,
	REPLENISHMENT_DETAILS,
} ReplenishmentDetail;

#define REPLENISHMENT_BITS 48
#define REPLENISHMENT_THIRD_ADDED 16384.0

extern const CountValueType replenishment_type;

/* What slots are; stored as the kind of the values: only added to at the end. */
typedef enum SlotKind
{
	SLOT_HOUR,    /* 0 to 23 */
	SLOT_WEEKDAY, /* 1 to 7, Monday first */
	SLOT_DAYPART, /* 1 to 4: night, morning, afternoon, evening, of six hours each */
	SLOT_KINDS,
} SlotKind;

/* hour_profile: one customer's events by slot. */
extern const CountValueType hour_profile_type;

/*
 * hour_prior: customers by slot and the number of their events in it; and in the
 * group after all slots by the number of all their events.
 */
#define HOUR_PRIOR_ALL 24
#define HOUR_MOST_EVENTS INT64CONST(0x7fffffff)
extern const CountValueType hour_prior_type;

#endif /* TIMING_TIMING_H */
