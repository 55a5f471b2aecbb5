/*
 * redzones.c
 *	  Makes what lies beyond a block of the server's memory untouchable.
 *
 * The server hands out memory from large blocks of its own, inside which
 * neither AddressSanitizer nor valgrind see where one allocation ends and the
 * next begins. Builds of the extension for those tools are therefore linked
 * with these functions in place of palloc() and its family (ld --wrap; the
 * linker's list is test/redzones.ld).
 *
 * Each asks for so much that the server gets a block from malloc() for it
 * alone, and forbids what is beyond the size that was wanted. One byte too
 * far is seen at once, and so is use after pfree() or after the end of the
 * context, and under valgrind use of what was never written. When the server
 * frees or resizes such a block, as it may, malloc's own bookkeeping lifts the
 * ban.
 */
#include "postgres.h"

#include <sanitizer/asan_interface.h>
#include <valgrind/memcheck.h>

#include "utils/memutils.h"

/* The server keeps larger blocks apart: ALLOC_CHUNK_LIMIT of its aset.c. */
#define APART ((Size) 8192 + 8)

extern void *__real_MemoryContextAllocExtended(MemoryContext context, Size size, int flags);
extern void *__real_repalloc_huge(void *block, Size size);

extern void *__wrap_palloc(Size size);
extern void *__wrap_palloc0(Size size);
extern void *__wrap_palloc_mul(Size size, Size count);
extern void *__wrap_palloc0_mul(Size size, Size count);
extern void *__wrap_palloc_extended(Size size, int flags);
extern void *__wrap_repalloc(void *block, Size size);
extern void *__wrap_repalloc_huge(void *block, Size size);
extern void *__wrap_MemoryContextAlloc(MemoryContext context, Size size);
extern void *__wrap_MemoryContextAllocZero(MemoryContext context, Size size);
extern void *__wrap_MemoryContextAllocHuge(MemoryContext context, Size size);
extern void *__wrap_MemoryContextAllocExtended(MemoryContext context, Size size, int flags);

static void *
fence(void *block, Size size)
{
	if (block != NULL && size < APART)
	{
		ASAN_POISON_MEMORY_REGION((char *) block + size, APART - size);
		(void) VALGRIND_MAKE_MEM_NOACCESS((char *) block + size, APART - size);
	}
	return block;
}

void *
__wrap_MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	return fence(__real_MemoryContextAllocExtended(context, Max(size, APART), flags), size);
}

void *
__wrap_MemoryContextAlloc(MemoryContext context, Size size)
{
	return __wrap_MemoryContextAllocExtended(context, size, 0);
}

void *
__wrap_MemoryContextAllocZero(MemoryContext context, Size size)
{
	return __wrap_MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
__wrap_MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return __wrap_MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE);
}

void *
__wrap_palloc(Size size)
{
	return __wrap_MemoryContextAllocExtended(CurrentMemoryContext, size, 0);
}

void *
__wrap_palloc0(Size size)
{
	return __wrap_MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_ZERO);
}

void *
__wrap_palloc_extended(Size size, int flags)
{
	return __wrap_MemoryContextAllocExtended(CurrentMemoryContext, size, flags);
}

/* Late minor releases allocate arrays with these. */
void *
__wrap_palloc_mul(Size size, Size count)
{
	if (count > 0 && size > MaxAllocSize / count)
		elog(ERROR, "invalid memory alloc request size %zu * %zu", size, count);
	return __wrap_palloc(size * count);
}

void *
__wrap_palloc0_mul(Size size, Size count)
{
	if (count > 0 && size > MaxAllocSize / count)
		elog(ERROR, "invalid memory alloc request size %zu * %zu", size, count);
	return __wrap_palloc0(size * count);
}

/* Valgrind would copy the ban; the old size is not known, so all counts as written. */
void *
__wrap_repalloc_huge(void *block, Size size)
{
	if (GetMemoryChunkSpace(block) >= APART)
		(void) VALGRIND_MAKE_MEM_DEFINED(block, APART);
	return fence(__real_repalloc_huge(block, Max(size, APART)), size);
}

void *
__wrap_repalloc(void *block, Size size)
{
	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	return __wrap_repalloc_huge(block, size);
}
