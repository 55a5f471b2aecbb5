/*
 * progress.h
 *	  What a long job is at: for who waits for it, and for other sessions.
 */
#ifndef REPORTS_PROGRESS_H
#define REPORTS_PROGRESS_H

#include "datatype/timestamp.h"

/* A job: what it is called, the phase that it is in, and since when. */
typedef struct Progress
{
	const char *job;
	const char *phase;
	bool verbose; /* a NOTICE after each phase */
	int guc_level;
	TimestampTz started;
	TimestampTz phase_started;
} Progress;

/*
 * Begins a job within a transaction. While it lasts, application_name says the phase, for
 * pg_stat_activity and the server's log; progress_end gives the name back, and so does an error.
 */
extern void progress_begin(Progress *progress, const char *job, bool verbose);

/* Begins a phase. */
extern void progress_phase(Progress *progress, const char *phase);

/* Ends the phase: so many rows were written, or counted. */
extern void progress_done(Progress *progress, int64 rows, const char *of_what);

/* Before and after a commit within the job. */
extern void progress_pause(Progress *progress);
extern void progress_resume(Progress *progress);

extern void progress_end(Progress *progress);

#endif /* REPORTS_PROGRESS_H */
