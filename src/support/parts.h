/*
 * parts.h
 *	  Values with an item for each of a few names, such as segments: a sorted
 *	  list of names and bytes.
 *
 * The stored form is a string of bytes, the same on every platform: version
 * byte, number of parts (varint), and of each part, in byte order of their
 * names, the length of the name (varint), the name, the length of its bytes
 * (varint) and these. It is also the transition state of the aggregates: there
 * are few parts.
 */
#ifndef SUPPORT_PARTS_H
#define SUPPORT_PARTS_H

#include "compat.h"

#include "lib/stringinfo.h"

#include "support/json.h"

typedef struct NamedPart
{
	const char *name; /* not null-terminated */
	uint32 name_bytes;
	const uint8 *data;
	uint32 bytes;
} NamedPart;

#define PART_MAX_NAME_BYTES 255

/* Of a value whose parts are segments. */
#define PARTS_MAX_SEGMENTS 10000

/* The type whose values these are. */
typedef struct PartsType
{
	const char *name; /* in SQL */
	uint8 version;
	uint32 most; /* parts */

	/* Merges two parts with the same name; may raise an error. */
	NamedPart (*merge)(const NamedPart *a, const NamedPart *b);
} PartsType;

typedef struct NamedParts
{
	NamedPart *parts;
	uint32 count;
} NamedParts;

/* The parts of a value that may be toasted. */
extern NamedParts parts_get(const PartsType *type, Datum value);

/* The value of parts in any order, which it sorts; those of one name are merged. */
extern struct varlena *parts_pack(const PartsType *type, NamedPart *parts, uint32 count);

/* Sorts parts; false if there are two of one name. */
extern bool parts_sort(NamedPart *parts, uint32 count);

/* The parts of both values. */
extern struct varlena *parts_union(const PartsType *type, Datum a, Datum b);

/* Says that a row is left out of an aggregate, since its segment is NULL. */
extern void part_notice_unnamed(const PartsType *type);

/* A part's name from an argument; an error if it is empty or too long. */
extern void part_set_name(NamedPart *part, Datum name);

/* The name, null-terminated. */
extern char *part_name(const NamedPart *part);

/* The binary form of a name: its length (int32) and the name in the client's encoding. */
extern void send_part_name(StringInfo out, const NamedPart *part);
extern void receive_part_name(StringInfo in, const char *type, NamedPart *part);

/*
 * Text and binary forms of values whose parts are segments: of each the name,
 * and what these say. Text: {"segments": [{"segment": "Loyal", ...}, ...]};
 * binary: version byte, number of parts (int32), and of each the length of the
 * name (int32), the name in the client's encoding, and its data.
 */
typedef struct PartsForm
{
	const PartsType *type;
	const char *const *members; /* of the JSON object of a part, "segment" first */
	uint32 least_wire_bytes;    /* of the data of a part in binary form */

	/* Reads the other members of a part; false after json_fail(). */
	bool (*read)(JsonInput *in, JsonbContainer *object, NamedPart *part);
	/* Appends them, in braces with the segment, after it and a comma. */
	void (*append)(StringInfo out, const NamedPart *part);
	void (*send)(StringInfo out, const NamedPart *part);
	/* Reads untrusted bytes; raises an error. */
	void (*receive)(StringInfo in, NamedPart *part);
} PartsForm;

extern Datum parts_in(const PartsForm *form, FunctionCallInfo fcinfo);
extern Datum parts_out(const PartsForm *form, FunctionCallInfo fcinfo);
extern Datum parts_recv(const PartsForm *form, FunctionCallInfo fcinfo);
extern Datum parts_send(const PartsForm *form, FunctionCallInfo fcinfo);

#endif /* SUPPORT_PARTS_H */
