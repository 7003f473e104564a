# MailHost::Configuration: the part of MailHost that writes down what Postfix
# and Dovecot shall do: folders, ports, certificates, configuration files.

package MailHost;

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();
use IO::Socket::INET;
use Time::HiRes qw(time);

our $library;

sub _prepare
{
	my ($self) = @_;

	my $folder = $self->{folder};
	for my $name (qw(postfix data queue mail))
	{
		$self->_make("$folder/$name");
	}
	$self->_make("$folder/queue/$_")
	  for qw(active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace);
	$self->_write_users;
	$self->_write_refused($_) for qw(refused refused_data);
	$self->_make_certificates if !-e "$folder/server.crt";

	# The path of a socket may have 107 bytes, so sockets go to a short folder.
	$self->{run} = File::Temp::tempdir('mh.XXXXXX', DIR => '/tmp');
	chmod 0755, $self->{run};
	$self->_make("$self->{run}/dovecot");
	chown $self->{uid}, $self->{gid}, $self->{run} if $> == 0;

	# See asroot.c for what it is for.
	if (!-e "$folder/asroot.so")
	{
		_run('cc', '-shared', '-fPIC', '-O', '-o', "$folder/asroot.so", "$library/asroot.c");
	}
}

sub _choose_ports
{
	my ($self) = @_;

	my @held;
	for my $name (qw(smtp submission smtps imap imaps))
	{
		my $socket = IO::Socket::INET->new(LocalAddr => $self->host, LocalPort => 0, Listen => 1)
		  or croak "no free port: $!";
		$self->{port}{$name} = $socket->sockport;
		push @held, $socket;
	}
}

# A certificate authority for this host alone, and the servers' certificate.
sub _make_certificates
{
	my ($self) = @_;

	my $folder = $self->{folder};
	$self->_write("openssl.cnf", <<'END');
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:mail.test, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
	my @key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes');
	my @config = ('-config', "$folder/openssl.cnf");
	_run('openssl', 'req', '-x509', @key, @config, '-extensions', 'authority', '-days', 30,
		'-subj', '/CN=Private mail host authority', '-keyout', "$folder/ca.key", '-out', "$folder/ca.crt");
	_run('openssl', 'req', '-new', @key, @config, '-subj', '/CN=localhost',
		'-keyout', "$folder/server.key", '-out', "$folder/server.csr");
	_run('openssl', 'x509', '-req', '-in', "$folder/server.csr", '-CA', "$folder/ca.crt",
		'-CAkey', "$folder/ca.key", '-set_serial', time =~ s/\D//gr, '-days', 30, '-extfile', "$folder/openssl.cnf",
		'-extensions', 'server', '-out', "$folder/server.crt.new");
	rename "$folder/server.crt.new", "$folder/server.crt" or croak "server.crt: $!";
	if ($> == 0)
	{
		chown $self->{uid}, $self->{gid}, "$folder/server.key";
	}
}

sub _configure
{
	my ($self) = @_;

	$self->_configure_postfix;
	$self->_configure_dovecot;
	my %state = (
		(map { $_ => $self->{$_} } qw(run user uid gid group)),
		map { +"port_$_" => $self->{port}{$_} } keys %{ $self->{port} });
	$self->{state} = \%state;
}

sub _configure_postfix
{
	my ($self) = @_;

	my $folder = $self->{folder};
	my $port = $self->{port};

	# Postfix wants two users who are not root and not each other.
	my ($other) = grep { defined getpwnam $_ && getpwnam($_) != $self->{uid} } qw(nobody daemon mail);
	my ($group) = grep { defined getgrnam $_ && getgrnam($_) != $self->{gid} } qw(postdrop mail daemon);
	my %main = (
		compatibility_level => 3.6,
		mail_owner => $self->{user},
		default_privs => $other,
		setgid_group => $group,
		import_environment => 'MAIL_CONFIG TZ LANG=C LD_PRELOAD',
		queue_directory => "$folder/queue",
		data_directory => "$folder/data",
		maillog_file => "$folder/postfix.log",
		maillog_file_prefixes => $folder,
		alias_maps => '',
		alias_database => '',
		local_recipient_maps => '',
		# Only loopback, no name server, no other mail server.
		inet_interfaces => '127.0.0.1',
		inet_protocols => 'ipv4',
		smtp_dns_support_level => 'disabled',
		smtpd_peername_lookup => 'no',
		myhostname => 'mail.test',
		mydestination => '',
		mynetworks => '',
		relayhost => '',
		relay_domains => '',
		local_transport => 'error:5.1.1 no local users here',
		default_transport => 'error:5.7.1 this host sends nothing outside',
		relay_transport => 'error:5.7.1 this host sends nothing outside',
		# Every domain under .test is ours; Dovecot knows the users.
		virtual_mailbox_domains => "regexp:$folder/postfix/domains",
		virtual_transport => "lmtp:unix:$self->{run}/lmtp",
		recipient_delimiter => '+',
		# Who may write to whom.
		smtpd_relay_restrictions => 'reject_unauth_destination',
		smtpd_recipient_restrictions => "check_recipient_access texthash:$folder/refused",
		smtpd_end_of_data_restrictions => "check_recipient_access texthash:$folder/refused_data",
		smtpd_sasl_type => 'dovecot',
		smtpd_sasl_path => "$self->{run}/auth",
		smtpd_sasl_security_options => 'noanonymous',
		smtpd_tls_auth_only => 'yes',
		smtpd_tls_security_level => 'may',
		smtpd_tls_cert_file => "$folder/server.crt",
		smtpd_tls_key_file => "$folder/server.key",
		# A test is a client that errs, comes often and does not wait.
		smtpd_client_connection_count_limit => 0,
		smtpd_client_connection_rate_limit => 0,
		smtpd_error_sleep_time => 0,
		smtpd_soft_error_limit => 10000,
		smtpd_hard_error_limit => 10000,
		in_flow_delay => 0,
		queue_run_delay => '2s',
		minimal_backoff_time => '2s',
		maximal_backoff_time => '10s',
		notify_classes => '',
		%{ $self->{settings} });
	$self->_write('postfix/main.cf', join '', map { "$_ = $main{$_}\n" } sort keys %main);
	$self->_write('postfix/domains', "/^([a-z0-9-]+\\.)*test\$/ yes\n");

	# A process of smtpd serves one connection, so that each connection sees
	# the refusals as they are then.
	my $login = '-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject';
	$self->_write('postfix/master.cf', <<"END");
127.0.0.1:$port->{smtp} inet n - n - - smtpd -o max_use=1
127.0.0.1:$port->{submission} inet n - n - - smtpd -o max_use=1 -o smtpd_tls_security_level=encrypt $login
127.0.0.1:$port->{smtps} inet n - n - - smtpd -o max_use=1 -o smtpd_tls_wrappermode=yes $login
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000 0 flush
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
$self->{services}
END
}

sub _configure_dovecot
{
	my ($self) = @_;

	my $folder = $self->{folder};
	my $port = $self->{port};
	my $version = `@{[ _program('dovecot') ]} --version`;
	my ($major, $minor) = $version =~ /^(\d+)\.(\d+)/ or croak "which version of Dovecot is '$version'?";

	# Half of the names changed in 2.4.
	my $dialect = $major > 2 || $minor >= 4 ? <<"END" : <<"END";
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = $folder/server.crt
ssl_server_key_file = $folder/server.key
auth_allow_cleartext = no
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = $folder/users
}
userdb passwd-file {
  passwd_file_path = $folder/users
}
END
ssl_cert = <$folder/server.crt
ssl_key = <$folder/server.key
disable_plaintext_auth = yes
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = $folder/users
}
userdb {
  driver = passwd-file
  args = $folder/users
}
END
	$self->_write('dovecot.conf', $dialect . <<"END");
protocols = imap lmtp
listen = 127.0.0.1
base_dir = $self->{run}/dovecot
state_dir = $self->{run}/dovecot
log_path = $folder/dovecot.log
ssl = yes
auth_mechanisms = plain login
auth_failure_delay = 0
# 2.4 takes 10 messages at a time for a user, and sends Postfix away with the 11th.
lmtp_user_concurrency_limit = 1000
default_internal_user = $self->{user}
default_internal_group = $self->{group}
default_login_user = $self->{user}
first_valid_uid = $self->{uid}
first_valid_gid = $self->{gid}
recipient_delimiter = +
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $port->{imap}
  }
  inet_listener imaps {
    port = $port->{imaps}
    ssl = yes
  }
}
service auth {
  unix_listener $self->{run}/auth {
    mode = 0600
  }
}
service lmtp {
  unix_listener $self->{run}/lmtp {
    mode = 0600
  }
}
END
}

1;
