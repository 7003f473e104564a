/*-------------------------------------------------------------------------
 *
 * bounce_sentence.h
 *	  The sentence an address stands in, for bounce_text.c and no one else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_BOUNCE_SENTENCE_H
#define AR_INBOX_BOUNCE_SENTENCE_H

#include "core/mime_internal.h"

typedef struct BounceSentence
{
	StringInfoData open; /* what the lines above have not ended yet */
	size_t indent;		 /* of the line above */
} BounceSentence;

extern void bounce_sentence_line(BounceSentence *sentence, MimeSlice line, size_t indent);
extern void bounce_sentence_blank(BounceSentence *sentence);
extern void bounce_sentence_end(BounceSentence *sentence);

/* Does the sentence before "start", which is in the line, say whom to ask? */
extern bool bounce_sentence_asks(const BounceSentence *sentence, MimeSlice line, const char *start);

#endif /* AR_INBOX_BOUNCE_SENTENCE_H */
