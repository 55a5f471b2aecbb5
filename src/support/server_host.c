/*
 * server_host.c
 *	  The server's implementation of the Host interface of the pure C rooms.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "support/server_host.h"

static void *
server_alloc(size_t size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, size);
}

static void
server_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

const Host server_host = {server_alloc, pfree, server_check_interrupts};
