/*
 * identities.h
 *	  customer_identities: which identifiers belong to one customer.
 *
 * Pairs of identifiers of one customer (an e-mail address and a loyalty card,
 * an account and the one it was merged into) make groups: the connected
 * components of the graph whose edges are the pairs. The value holds the
 * components and no edges, so the same pairs in any order and split make the
 * same value, and two values merge. An identifier in no pair is in no group,
 * and is its own canonical identifier.
 *
 * Identifiers are text, independent of the type of the columns. They are
 * ordered whole numbers first, by value, then all others by their bytes; the
 * first of a group is the canonical one.
 */
#ifndef IDENTITIES_IDENTITIES_H
#define IDENTITIES_IDENTITIES_H

#include "compat.h"

#include "support/bytes.h"

/* The maximum length of an identifier in bytes. */
#define IDENTITY_MAX_BYTES 255

/* The number that can be read back from text: the server's JSON arrays are limited to 256 MB. */
#define IDENTITY_MAX_IDS 4000000
#define IDENTITY_MAX_TEXT (128 * 1024 * 1024)

/* The bytes of an identifier; not null-terminated. */
typedef struct IdentityText
{
	const char *bytes;
	uint32 length;
} IdentityText;

/*
 * The stored form is a string of bytes, the same on every platform:
 *
 *	version 1 byte, 1 padding 3 bytes, zero count 4 bytes, lowest first:
 *	identifiers a table 8 bytes for each identifier in order: the end of its
 *	text in
 *					the texts, and the index of its group's canonical
 *					identifier
 *	the texts		one after another
 *
 * So an identifier is found by binary search.
 */
#define IDENTITIES_VERSION 1
#define IDENTITIES_HEAD_BYTES 8
#define IDENTITIES_ROW_BYTES 8

/* A stored value, ready to be searched; it may be unaligned. */
typedef struct IdentitySet
{
	const uint8 *table;
	const uint8 *texts;
	uint32 count;
	uint32 text_bytes;
} IdentitySet;

/* The pairs of identifiers while they are collected. */
typedef struct IdentityPairs
{
	IdentityText *ids; /* two for each pair */
	uint32 count;      /* pairs */
	uint32 capacity;
} IdentityPairs;

extern int identity_compare(const IdentityText *a, const IdentityText *b);

/* Reads a stored value. */
extern void identities_open(IdentitySet *set, struct varlena *value);
extern IdentityText identity_at(const IdentitySet *set, uint32 place);
extern uint32 identity_canonical_place(const IdentitySet *set, uint32 place);

/* The place of an identifier; false if it is in no group. */
extern bool identity_find(const IdentitySet *set, IdentityText id, uint32 *place);

extern void identity_pairs_make(IdentityPairs *pairs, uint32 capacity);
extern void identity_pairs_add(IdentityPairs *pairs, IdentityText a, IdentityText b);

/* The stored form of the components. */
extern struct varlena *identity_pairs_pack(const IdentityPairs *pairs);

/*
 * The members of each group, in order: for each identifier the place of the next of
 * its group, or -1. The first ones are their own canonical identifiers.
 */
extern int32 *identity_members(const IdentitySet *set);

#endif /* IDENTITIES_IDENTITIES_H */
