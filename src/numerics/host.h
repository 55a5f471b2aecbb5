/*
 * host.h
 *	  What the pure C rooms need from whoever runs them.
 *
 * numerics/ and models/ know no server.  They ask their host for memory and
 * tell it, every few thousand steps, that this is a good moment to look for
 * an interrupt.  In the server these are palloc, pfree and
 * CHECK_FOR_INTERRUPTS; in the unit tests malloc, free and nothing.
 *
 * Both alloc and check_interrupts may leave by longjmp.  Code that takes a
 * Host therefore holds no resource other than memory from alloc, which the
 * host reclaims by itself when it leaves that way.
 */
#ifndef NUMERICS_HOST_H
#define NUMERICS_HOST_H

#include <stddef.h>

typedef struct Host
{
	void	   *(*alloc) (size_t size);		/* never NULL; size is never 0 */
	void		(*release) (void *memory);	/* of one block from alloc */
	void		(*check_interrupts) (void);
} Host;

#endif							/* NUMERICS_HOST_H */
