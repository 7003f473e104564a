/*-------------------------------------------------------------------------
 *
 * template_value.c
 *	  The values a template speaks of: a tree of lists, objects and texts.
 *
 * Objects keep their members in the order they were set.  A context from a
 * database can have thousands of members and a template thousands of tags, so
 * beyond a few members an object is looked up by hash.
 *
 *-------------------------------------------------------------------------
 */
#include "core/template_impl.h"

#define LINEAR_MEMBERS 8 /* up to here a plain search is as fast */

struct TemplateValue
{
	TemplateValueType type;
	uint32 len; /* of text; of a list or object, its items */
	uint32 allocated;
	uint32 nslots; /* of the hash table; a power of two, or 0 */
	char *text;
	TemplateValue **items;
	TemplateValue **names; /* strings, beside items */
	uint32 *slots;		   /* index + 1 of a member, or 0 */
};

static TemplateValue *
make_value(TemplateValueType type)
{
	TemplateValue *value = palloc0(sizeof(TemplateValue));

	value->type = type;
	return value;
}

static TemplateValue *
make_text(TemplateValueType type, const char *text, size_t len)
{
	TemplateValue *value = make_value(type);

	value->text = palloc(len + 1);
	memcpy(value->text, text, len);
	value->text[len] = '\0';
	value->len = len;
	return value;
}

TemplateValue *
template_value_null(void)
{
	return make_value(TEMPLATE_NULL);
}

TemplateValue *
template_value_bool(bool value)
{
	return make_value(value ? TEMPLATE_TRUE : TEMPLATE_FALSE);
}

TemplateValue *
template_value_number(const char *text, size_t len)
{
	return make_text(TEMPLATE_NUMBER, text, len);
}

TemplateValue *
template_value_string(const char *text, size_t len)
{
	return make_text(TEMPLATE_STRING, text, len);
}

TemplateValue *
template_value_cstring(const char *text)
{
	return make_text(TEMPLATE_STRING, text, strlen(text));
}

TemplateValue *
template_value_list(void)
{
	return make_value(TEMPLATE_LIST);
}

TemplateValue *
template_value_object(void)
{
	return make_value(TEMPLATE_OBJECT);
}

static void
make_room(TemplateValue *value)
{
	uint32 wanted;

	if (value->len < value->allocated)
		return;
	wanted = value->allocated == 0 ? 8 : value->allocated * 2;
	if (value->items == NULL)
		value->items = palloc(wanted * sizeof(TemplateValue *));
	else
		value->items = repalloc(value->items, wanted * sizeof(TemplateValue *));
	if (value->type == TEMPLATE_OBJECT)
	{
		if (value->names == NULL)
			value->names = palloc(wanted * sizeof(TemplateValue *));
		else
			value->names = repalloc(value->names, wanted * sizeof(TemplateValue *));
	}
	value->allocated = wanted;
}

void
template_value_append(TemplateValue *list, TemplateValue *item)
{
	Assert(list->type == TEMPLATE_LIST);
	make_room(list);
	list->items[list->len++] = item;
}

/* FNV-1a: short names, no enemy worth more (work is bounded by the renderer). */
static uint32
hash_name(const char *name, size_t len)
{
	uint32 hash = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) name[i]) * 16777619u;
	return hash ^ (hash >> 15);
}

static bool
same_name(const TemplateValue *object, uint32 index, const char *name, size_t len)
{
	const TemplateValue *member = object->names[index];

	return member->len == len && memcmp(member->text, name, len) == 0;
}

static void
enter_slot(TemplateValue *object, uint32 index)
{
	const TemplateValue *name = object->names[index];
	uint32 slot = hash_name(name->text, name->len) & (object->nslots - 1);

	while (object->slots[slot] != 0)
		slot = (slot + 1) & (object->nslots - 1);
	object->slots[slot] = index + 1;
}

/* The index of a member, or -1. */
static int64
find_member(const TemplateValue *object, const char *name, size_t len)
{
	uint32 i;

	if (object->nslots == 0)
	{
		for (i = 0; i < object->len; i++)
			if (same_name(object, i, name, len))
				return i;
		return -1;
	}
	i = hash_name(name, len) & (object->nslots - 1);
	while (object->slots[i] != 0)
	{
		if (same_name(object, object->slots[i] - 1, name, len))
			return object->slots[i] - 1;
		i = (i + 1) & (object->nslots - 1);
	}
	return -1;
}

/* Sets a member; one of that name that is there already is replaced. */
void
template_value_set(TemplateValue *object, const char *name, size_t len, TemplateValue *value)
{
	int64 at;
	uint32 i;

	Assert(object->type == TEMPLATE_OBJECT);
	at = find_member(object, name, len);
	if (at >= 0)
	{
		if (object->items[at] != value)
			template_value_free(object->items[at]);
		object->items[at] = value;
		return;
	}
	make_room(object);
	object->names[object->len] = template_value_string(name, len);
	object->items[object->len] = value;
	object->len++;

	/* The table is kept at most half full. */
	if (object->len > LINEAR_MEMBERS && object->len * 2 > object->nslots)
	{
		if (object->slots != NULL)
			pfree(object->slots);
		object->nslots = object->nslots == 0 ? 32 : object->nslots * 2;
		object->slots = palloc0(object->nslots * sizeof(uint32));
		for (i = 0; i < object->len; i++)
			enter_slot(object, i);
	}
	else if (object->nslots != 0)
		enter_slot(object, object->len - 1);
}

TemplateValueType
template_value_type(const TemplateValue *value)
{
	return value->type;
}

/* The text that stands for a scalar; NULL for what has none. */
const char *
template_value_text(const TemplateValue *value, size_t *len)
{
	switch (value->type)
	{
		case TEMPLATE_NULL:
			*len = 0;
			return "";
		case TEMPLATE_FALSE:
			*len = 5;
			return "false";
		case TEMPLATE_TRUE:
			*len = 4;
			return "true";
		case TEMPLATE_NUMBER:
		case TEMPLATE_STRING:
			*len = value->len;
			return value->text;
		case TEMPLATE_LIST:
		case TEMPLATE_OBJECT:
			break;
	}
	*len = 0;
	return NULL;
}

uint32
template_value_count(const TemplateValue *value)
{
	if (value->type == TEMPLATE_LIST || value->type == TEMPLATE_OBJECT)
		return value->len;
	return 0;
}

const TemplateValue *
template_value_item(const TemplateValue *list, uint32 index)
{
	if (index >= template_value_count(list))
		return NULL;
	return list->items[index];
}

const TemplateValue *
template_value_get(const TemplateValue *object, const char *name, size_t len)
{
	int64 at;

	if (object->type != TEMPLATE_OBJECT)
		return NULL;
	at = find_member(object, name, len);
	return at < 0 ? NULL : object->items[at];
}

/* Zero in any spelling: no digit but 0 before an exponent. */
static bool
number_is_zero(const TemplateValue *value)
{
	uint32 i;

	for (i = 0; i < value->len; i++)
	{
		if (value->text[i] == 'e' || value->text[i] == 'E')
			break;
		if (strchr("+-.0", value->text[i]) == NULL)
			return false;
	}
	return true;
}

bool
template_value_truthy(const TemplateValue *value)
{
	switch (value->type)
	{
		case TEMPLATE_NULL:
		case TEMPLATE_FALSE:
			return false;
		case TEMPLATE_NUMBER:
			return !number_is_zero(value);
		case TEMPLATE_STRING:
		case TEMPLATE_LIST:
			return value->len > 0;
		case TEMPLATE_TRUE:
		case TEMPLATE_OBJECT:
			break;
	}
	return true;
}

/*
 * Frees a tree.  The tree is as deep as the data was, so no recursion: items
 * not yet freed are moved to one growing list of work.
 */
void
template_value_free(TemplateValue *value)
{
	TemplateValue **todo;
	uint32 ntodo = 1;
	uint32 room = 64;
	uint32 i;

	todo = palloc(room * sizeof(TemplateValue *));
	todo[0] = value;
	while (ntodo > 0)
	{
		TemplateValue *now = todo[--ntodo];

		if (now->items != NULL)
		{
			while (ntodo + now->len > room)
			{
				room *= 2;
				todo = repalloc(todo, room * sizeof(TemplateValue *));
			}
			for (i = 0; i < now->len; i++)
			{
				todo[ntodo++] = now->items[i];
				if (now->names != NULL)
				{
					pfree(now->names[i]->text);
					pfree(now->names[i]);
				}
			}
			pfree(now->items);
		}
		if (now->names != NULL)
			pfree(now->names);
		if (now->slots != NULL)
			pfree(now->slots);
		if (now->text != NULL)
			pfree(now->text);
		pfree(now);
	}
	pfree(todo);
}
