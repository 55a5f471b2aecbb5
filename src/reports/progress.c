/*
 * progress.c
 *	  What a long job is at: for who waits for it, and for other sessions.
 */
#include "compat.h"

#include "utils/guc.h"
#include "utils/timestamp.h"

#include "reports/progress.h"

void
progress_begin(Progress *progress, const char *job, bool verbose)
{
	progress->job = job;
	progress->verbose = verbose;
	progress->guc_level = NewGUCNestLevel();
	progress->started = GetCurrentTimestamp();
}

void
progress_phase(Progress *progress, const char *phase)
{
	progress->phase = phase;
	progress->phase_started = GetCurrentTimestamp();
	(void) set_config_option("application_name", psprintf("%s: %s", progress->job, phase), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static double
seconds_since(TimestampTz start)
{
	return (GetCurrentTimestamp() - start) / 1e6;
}

void
progress_done(Progress *progress, int64 rows, const char *of_what)
{
	if (progress->verbose)
		ereport(NOTICE,
				(errmsg("%s: %s: " INT64_FORMAT " %s in %.1f s", progress->job, progress->phase, rows, of_what,
						seconds_since(progress->phase_started))));
}

void
progress_pause(Progress *progress)
{
	AtEOXact_GUC(false, progress->guc_level);
}

void
progress_resume(Progress *progress)
{
	progress->guc_level = NewGUCNestLevel();
}

void
progress_end(Progress *progress)
{
	progress_pause(progress);
	if (progress->verbose)
		ereport(NOTICE, (errmsg("%s: all of it took %.1f s", progress->job, seconds_since(progress->started))));
}
