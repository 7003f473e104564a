/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings (GUCs) of the worker; ar_inbox.c defines them, settings.c
 *	  holds their values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SETTINGS_H
#define AR_INBOX_SETTINGS_H

extern char *setting_databases;
extern int setting_poll_interval; /* seconds */
extern int setting_max_idle_connections;
extern int setting_smtp_connections;
extern int setting_messages_per_connection;
extern int setting_restart_time;	/* seconds */
extern int setting_connect_timeout; /* seconds */
extern int setting_reply_timeout;	/* seconds */
extern char *setting_tls_ca_file;
extern char *setting_helo_name;
extern char *setting_server_name;
extern int setting_clock_offset; /* seconds */

#endif /* AR_INBOX_SETTINGS_H */
