/*-------------------------------------------------------------------------
 *
 * databases.h
 *	  The worker makes way for commands that want a database for themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_DATABASES_H
#define AR_INBOX_DATABASES_H

/* in _PG_init, when preloaded */
extern void databases_install_hook(void);

#endif /* AR_INBOX_DATABASES_H */
