/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  The values of the settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "worker/settings.h"

char *setting_databases;
int setting_poll_interval;
int setting_max_idle_connections;
int setting_smtp_connections;
int setting_messages_per_connection;
int setting_restart_time;
int setting_connect_timeout;
int setting_reply_timeout;
char *setting_tls_ca_file;
char *setting_helo_name;
char *setting_server_name;
int setting_clock_offset;
