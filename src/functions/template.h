/*-------------------------------------------------------------------------
 *
 * functions/template.h
 *	  What the SQL functions that fill templates share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FUNCTIONS_TEMPLATE_H
#define AR_INBOX_FUNCTIONS_TEMPLATE_H

#include "core/template.h"
#include "utils/jsonb.h"

extern TemplateValue *template_value_of_jsonb(Jsonb *jsonb);

#endif /* AR_INBOX_FUNCTIONS_TEMPLATE_H */
