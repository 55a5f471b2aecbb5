/*
 * scores_day.h
 *	  When scores are too old, or too new, for the day that is asked about.
 */
#ifndef REPORTS_SCORES_DAY_H
#define REPORTS_SCORES_DAY_H

#include <stdlib.h>

#include "utils/date.h"

/* From so many days on, a day and that of the scores are not the same night's. */
#define SCORES_FAR_DAYS 7

static inline bool
is_far_from_scores(DateADT day, DateADT scores_day)
{
	return llabs((long long) day - scores_day) > SCORES_FAR_DAYS;
}

#endif /* REPORTS_SCORES_DAY_H */
