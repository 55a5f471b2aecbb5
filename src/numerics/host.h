/*
 * host.h
 *	  The services that the pure C rooms need from their caller.
 *
 * numerics/ and models/ do not depend on the server. They get memory from
 * their host and call it, every few thousand steps, to check for interrupts.
 * In the server these are palloc, pfree and CHECK_FOR_INTERRUPTS; in the unit
 * tests malloc, free and nothing.
 *
 * Both alloc and check_interrupts may leave by longjmp. Code that takes a Host
 * therefore holds no resource other than memory from alloc, which the host
 * reclaims after a longjmp.
 */
#ifndef NUMERICS_HOST_H
#define NUMERICS_HOST_H

#include <stddef.h>

/* The number of cheap steps between two checks for interrupts. */
#define HOST_STEPS 1024

typedef struct Host
{
	void *(*alloc)(size_t size);   /* never NULL; size is never 0 */
	void (*release)(void *memory); /* of one block from alloc */
	void (*check_interrupts)(void);
} Host;

/*
 * Most functions need no memory, and so take no Host. Their loops call the
 * check of the whole process, which the caller sets once, before the first
 * call. By default there is none. It may leave by longjmp too.
 */
extern void (*host_interrupts)(void);

/*
 * Checks for interrupts. Every loop whose length depends on its input calls
 * this after at most some thousand cheap steps, or one walk over panels.
 */
static inline void
host_poll(void)
{
	host_interrupts();
}

/* The same within a loop of cheap steps, of which this is the i-th. */
static inline void
host_poll_at(size_t i)
{
	if (i % HOST_STEPS == HOST_STEPS - 1)
		host_interrupts();
}

#endif /* NUMERICS_HOST_H */
