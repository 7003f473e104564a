/*-------------------------------------------------------------------------
 *
 * template.h
 *	  Message templates: Mustache without lambdas, over a small tree of values.
 *
 * A caller builds the values a message may speak of, compiles the template
 * once and renders it as often as it likes.  Neither step trusts its input:
 * nesting, work and output are bounded, and what is wrong is reported with the
 * place where it stands.
 *
 * Where the Mustache specification leaves a choice, the following was chosen:
 * the empty string and the number zero are false in a section, as null, false
 * and the empty list are; a list or an object where text is wanted gives
 * nothing; a name that begins with a dot is looked up in the innermost context
 * alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_TEMPLATE_H
#define AR_INBOX_TEMPLATE_H

#include "core/core.h"

#define TEMPLATE_MAX_SOURCE (1024 * 1024)	   /* bytes of one template */
#define TEMPLATE_MAX_OUTPUT (16 * 1024 * 1024) /* bytes of one rendering */
#define TEMPLATE_MAX_NESTING 256			   /* sections within sections */
#define TEMPLATE_MAX_PARTIALS 64			   /* partials within partials */
#define TEMPLATE_MAX_INDENT 4096			   /* bytes of summed indentation */
#define TEMPLATE_MAX_STEPS 10000000			   /* units of work of one rendering */
#define TEMPLATE_MAX_UNKNOWN 256			   /* names that are collected */

typedef enum TemplateValueType
{
	TEMPLATE_NULL,
	TEMPLATE_FALSE,
	TEMPLATE_TRUE,
	TEMPLATE_NUMBER, /* as the text that shall appear */
	TEMPLATE_STRING,
	TEMPLATE_LIST,
	TEMPLATE_OBJECT
} TemplateValueType;

typedef struct TemplateValue TemplateValue;

extern TemplateValue *template_value_null(void);
extern TemplateValue *template_value_bool(bool value);
extern TemplateValue *template_value_number(const char *text, size_t len);
extern TemplateValue *template_value_string(const char *text, size_t len);
extern TemplateValue *template_value_cstring(const char *text);
extern TemplateValue *template_value_list(void);
extern TemplateValue *template_value_object(void);
extern void template_value_append(TemplateValue *list, TemplateValue *item);
extern void template_value_set(TemplateValue *object, const char *name, size_t len,
							   TemplateValue *value);

extern TemplateValueType template_value_type(const TemplateValue *value);
extern const char *template_value_text(const TemplateValue *value, size_t *len);
extern uint32 template_value_count(const TemplateValue *value);
extern const TemplateValue *template_value_item(const TemplateValue *list, uint32 index);
extern const TemplateValue *template_value_get(const TemplateValue *object, const char *name,
											   size_t len);
extern bool template_value_truthy(const TemplateValue *value);
extern void template_value_free(TemplateValue *value);

/* Where and why a template could not be used.  Lines and columns count from 1. */
typedef struct TemplateError
{
	int line;
	int column;		  /* in characters, not bytes */
	char partial[64]; /* the partial it happened in, or empty */
	char message[256];
} TemplateError;

typedef struct Template Template;

extern Template *template_parse(const char *src, size_t len, TemplateError *err);
extern void template_free(Template *template);

/* How a value is made harmless for the place it goes to. */
typedef enum TemplateEscape
{
	TEMPLATE_ESCAPE_HTML,
	TEMPLATE_ESCAPE_NONE,
	TEMPLATE_ESCAPE_COMMONMARK
} TemplateEscape;

/*
 * Where partials and parents come from: lookup returns false where there is
 * none of that name.  The source must stay as it is until the end of the
 * rendering; each is compiled once.
 */
typedef struct TemplatePartials
{
	bool (*lookup)(void *arg, const char *name, size_t len, const char **src, size_t *srclen);
	void *arg;
} TemplatePartials;

/*
 * Names that gave nothing, each once, in the order met: names the context does
 * not have, lists and objects used as text, and ">name" for a missing partial.
 * With every_branch the rendering also goes into the sections that are false,
 * and those inverted that are true: its text is then of no use.  What is within
 * an empty list or a name that is unknown itself stays hidden, for nothing tells
 * what it may speak of.
 */
typedef struct TemplateNames
{
	bool every_branch;
	int count;
	char *names[TEMPLATE_MAX_UNKNOWN];
} TemplateNames;

/* Appends to out; after an error out is as it was.  partials, unknown may be NULL. */
extern bool template_render(const Template *template, const TemplateValue *root,
							const TemplatePartials *partials, TemplateEscape escape, StringInfo out,
							TemplateNames *unknown, TemplateError *err);

#endif /* AR_INBOX_TEMPLATE_H */
