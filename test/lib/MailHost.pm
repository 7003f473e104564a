# MailHost: a private mail host for one test or one demo.
#
# Postfix takes mail on three ports of its own (plain SMTP, submission with
# STARTTLS, SMTP over TLS) and hands it by LMTP to Dovecot, which keeps it and
# serves it by IMAP.  Everything lives in one folder, listens on 127.0.0.1
# alone, on ports that were free, and runs as the user who asked.  Mail for a
# domain under .test is delivered; mail for anywhere else is refused.
#
#   my $host = MailHost->new($folder);          # or no folder: a temporary one
#   $host->add_user('billing@acme.test', 'secret');
#   $host->refuse('gone@client.test', '550 5.1.1 No such person');
#   $host->start;
#   ... talk to $host->submission_port, $host->imaps_port, trusting $host->ca_file ...
#   my ($mail) = $host->wait_for('billing@acme.test', 1);
#   $host->stop;
#
# A supervisor process owns both servers.  It stops them when it is told to,
# when either of them dies, and when the process that called start() goes away
# for whatever reason, kill -9 included; it then kills what is left of their
# sessions, so that nothing outlives a test.
#
# MailHost::Configuration and MailHost::Supervisor are parts of this class.

package MailHost;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Errno qw(EEXIST);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use IO::Handle;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our $library;

BEGIN
{
	$library = dirname(abs_path(__FILE__));
	require "$library/MailHost/Configuration.pm";
	require "$library/MailHost/Supervisor.pm";
}

our %running;

# new: a mail host in a folder, by default a temporary one; not yet started.
# Options: settings => { Postfix parameter => value, ... }, added last;
# services => further lines for its master.cf.
sub new
{
	my ($class, $folder, %option) = @_;

	my $keeper;
	if (!defined $folder)
	{
		$keeper = File::Temp->newdir('mailhost.XXXXXX', TMPDIR => 1);
		$folder = "$keeper";
	}
	make_path($folder);
	my $self = bless {
		folder => abs_path($folder),
		keeper => $keeper,
		settings => $option{settings} || {},
		services => $option{services} // '',
		users => {},
		refused => {},
		refused_data => {},
	}, $class;
	croak "$self->{folder}: holds a mail host already" if -e "$self->{folder}/state";

	# Root lends the work to somebody who may do less.
	my ($uid, $name, $gid) = ($>, scalar getpwuid($>), $) + 0);
	if ($uid == 0)
	{
		($name, $uid, $gid) = map { (getpwnam $_)[ 0, 2, 3 ] } grep { defined getpwnam $_ } qw(postgres nobody);
	}
	croak "user $uid has no name" if !defined $name;
	@$self{qw(user uid gid group)} = ($name, $uid, $gid, scalar getgrgid $gid);
	if ($> == 0)
	{
		chmod 0755, $self->{folder};
		chown $uid, $gid, $self->{folder};
		for (my $above = $self->{folder}; $above ne '/'; $above = dirname($above))
		{
			croak "$above: $name may not enter it" if !((stat $above)[2] & 01);
		}
	}
	return $self;
}

# attach: the mail host that another process started in this folder.
sub attach
{
	my ($class, $folder) = @_;

	$folder = abs_path($folder) // croak 'no such folder';
	my $self = bless { folder => $folder, attached => 1, settings => {} }, $class;
	my %state = map { chomp; split /=/, $_, 2 } _read_lines("$folder/state");
	croak "$folder: no mail host was started in it" if !%state;
	@$self{ keys %state } = values %state;
	$self->{port} = { map { $_ => $state{"port_$_"} } qw(smtp submission smtps imap imaps) };
	for (_read_lines("$folder/users"))
	{
		my ($address, $password) = /^([^:]+):\{PLAIN\}([^:]*):/ or next;
		$self->{users}{$address} = $password;
	}
	for my $kind (qw(refused refused_data))
	{
		$self->{$kind} = { map { /^(\S+)\s+(.*)/ ? ($1 => $2) : () } _read_lines("$folder/$kind") };
	}
	return $self;
}

sub folder { $_[0]{folder} }
sub host { '127.0.0.1' }
sub ca_file { "$_[0]{folder}/ca.crt" }
sub smtp_port { $_[0]{port}{smtp} }
sub submission_port { $_[0]{port}{submission} }
sub smtps_port { $_[0]{port}{smtps} }
sub imap_port { $_[0]{port}{imap} }
sub imaps_port { $_[0]{port}{imaps} }

# add_user: an address that has a mailbox, and the password that opens it.
# Mail to address+anything goes there too.  Takes effect at once.
sub add_user
{
	my ($self, $address, $password) = @_;

	croak "not an address: $address" if $address !~ /^[^\s:\@]+\@[^\s:\@]+$/;
	croak 'a password here has no colon and no line end' if $password =~ /[:\n]/;
	$self->{users}{ lc $address } = $password;
	$self->_write_users;
	return $self;
}

# remove_user: the address has no mailbox any more; what it held stays on disk.
sub remove_user
{
	my ($self, $address) = @_;

	delete $self->{users}{ lc $address };
	$self->_write_users;
	return $self;
}

# refuse: from the next connection on, RCPT TO this address is answered so,
# for example '550 5.1.1 No such person' or '450 4.2.0 Mailbox busy'.
sub refuse
{
	my ($self, $address, $reply) = @_;

	croak "not a refusal: $reply" if $reply !~ /^[45]\d\d \S/;
	$self->{refused}{ lc $address } = $reply;
	$self->_write_refused('refused');
	return $self;
}

# refuse_data: the same for the answer to the end of data, when this address
# is a message's only recipient.
sub refuse_data
{
	my ($self, $address, $reply) = @_;

	croak "not a refusal: $reply" if $reply !~ /^[45]\d\d \S/;
	$self->{refused_data}{ lc $address } = $reply;
	$self->_write_refused('refused_data');
	return $self;
}

# accept: takes both kinds of refusal back.
sub accept
{
	my ($self, $address) = @_;

	for my $kind (qw(refused refused_data))
	{
		delete $self->{$kind}{ lc $address };
		$self->_write_refused($kind);
	}
	return $self;
}

# start: both servers, ready for connections when this returns.  With the
# argument detached => 1 they go on after this process ends, until a stop().
# Started again after a stop(), a host has its old ports, mail and users.
sub start
{
	my ($self, %option) = @_;

	croak 'already started' if defined $self->{supervisor};
	for my $try (1 .. 3)
	{
		$self->_prepare;

		# A port can be taken between the look and the use of it: look again,
		# but for a host whose ports are known to its clients.
		my $ports_known = defined $self->{port};
		$self->_choose_ports if !$ports_known;
		$self->_configure;
		$self->_launch($option{detached});
		return $self if $self->_wait_ready;
		my $log = $self->log;
		$self->stop;
		delete $self->{port} if !$ports_known;
		croak "the mail host does not start:\n$log" if $try == 3 || $ports_known;
	}
}

# stop: ends both servers and sees to it that none of their processes is left.
sub stop
{
	my ($self) = @_;

	my $supervisor = delete $self->{supervisor};
	return $self if !defined $supervisor;
	delete $running{$supervisor};
	my @sessions = ($supervisor, map { chomp; $_ } _read_lines("$self->{folder}/sessions"));
	kill 'TERM', $supervisor;
	my $deadline = time + 20;
	while (_alive($supervisor, !$self->{attached} && !$self->{detached}))
	{
		if (time > $deadline)
		{
			kill 'KILL', $supervisor;
			last;
		}
		sleep 0.02;
	}
	waitpid $supervisor, 0 if !$self->{attached};
	close delete $self->{lifeline} if $self->{lifeline};
	my @left = _members(@sessions);
	kill 'KILL', @left if @left;
	remove_tree($self->{run}) if defined $self->{run};
	unlink "$self->{folder}/state", "$self->{folder}/sessions";
	croak "processes of the mail host had to be killed: @left" if @left;
	return $self;
}

# processes: the ids of all processes that belong to this mail host.
sub processes
{
	my ($self) = @_;

	return if !defined $self->{supervisor};
	return _members($self->{supervisor}, map { chomp; $_ } _read_lines("$self->{folder}/sessions"));
}

# messages: the raw messages in a user's INBOX, oldest first, with the line
# ends of Unix and the headers that delivery added on top.
sub messages
{
	my ($self, $address) = @_;

	my $maildir = "$self->{folder}/mail/" . lc($address) . '/Maildir';
	my @found;
	for my $path (glob "$maildir/new/* $maildir/cur/*")
	{
		my ($seconds, $fraction) = $path =~ m{/(\d+)\.M(\d+)P[^/]*$} or next;
		push @found, [ $seconds, $fraction, $path ];
	}
	return map { _read($_->[2]) // () }
	  sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @found;
}

# queued: how many messages Postfix has taken and not yet handed on.
sub queued
{
	my ($self) = @_;

	# In the order in which a message goes through them.
	my $queue = "$self->{folder}/queue";
	return scalar grep { -f } map { glob "$queue/$_" } qw(maildrop/* incoming/* active/* deferred/* deferred/*/*);
}

# wait_for: the messages of a user once there are at least n of them; dies,
# with the end of the logs, when the time is over (30 s unless told).
sub wait_for
{
	my ($self, $address, $count, $timeout) = @_;

	my $deadline = time + ($timeout // 30);
	while (1)
	{
		my @messages = $self->messages($address);
		return @messages if @messages >= $count;
		if (time > $deadline)
		{
			my @log = split /^/, $self->log;
			splice @log, 0, @log - 40 if @log > 40;
			croak sprintf "%s has %d messages, not %d\n%s", $address, scalar @messages, $count, join '', @log;
		}
		sleep 0.05;
	}
}

# deliver: hands a message to the plain SMTP port as a stranger's mail server
# would.  Named arguments: from (may be empty), to (an address or a list of
# them), data (the whole message, sent as it is but for line ends and leading
# dots), helo.  Returns the replies as a hash: mail, rcpt (a list) and data
# (the answer to the end of data, undefined when it did not come so far).
sub deliver
{
	my ($self, %mail) = @_;

	my @to = ref $mail{to} ? @{ $mail{to} } : $mail{to};
	my $socket = IO::Socket::INET->new(PeerAddr => $self->host, PeerPort => $self->smtp_port, Timeout => 10)
	  or croak "no connection: $!";
	my $dialogue = sub {
		my ($line) = @_;
		print $socket "$line\r\n" if defined $line;
		while (defined(my $reply = <$socket>))
		{
			$reply =~ s/\r?\n\z//;
			return $reply if $reply =~ /^\d\d\d(?: |$)/;
		}
		croak 'the mail host closed the connection';
	};
	$dialogue->();
	$dialogue->('EHLO ' . ($mail{helo} // 'sender.example'));
	my $eight_bit = $mail{data} =~ /[\x80-\xff]/ ? ' BODY=8BITMIME' : '';
	my %reply = (mail => $dialogue->("MAIL FROM:<$mail{from}>$eight_bit"), rcpt => []);
	push @{ $reply{rcpt} }, $dialogue->("RCPT TO:<$_>") for @to;
	if (grep { /^2/ } @{ $reply{rcpt} })
	{
		my $answer = $dialogue->('DATA');
		if ($answer =~ /^3/)
		{
			(my $data = $mail{data}) =~ s/\r?\n/\r\n/g;
			$data =~ s/^\./../mg;
			$data .= "\r\n" if $data !~ /\r\n\z/;
			print $socket $data;
			$answer = $dialogue->('.');
		}
		$reply{data} = $answer;
	}
	$dialogue->('QUIT');
	return %reply;
}

# swaks: runs swaks against a port of this host ('smtp', 'submission' or
# 'smtps') and returns its exit code and what it said.
sub swaks
{
	my ($self, $service, @argument) = @_;

	my @tls = $service eq 'submission' ? '--tls' : $service eq 'smtps' ? '--tlsc' : ();
	my @command = ('swaks', '--server', $self->host, '--port', $self->{port}{$service}, @tls, @argument);
	my $pid = open(my $output, '-|') // croak "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec @command; }
		POSIX::_exit(127);
	}
	my $said = do { local $/; <$output> };
	{ local $?; close $output; return ($? >> 8, $said); }
}

# log: what Postfix, Dovecot and the supervisor have written so far.
sub log
{
	my ($self) = @_;

	return join '', map { _read("$self->{folder}/$_") // '' } qw(supervisor.log postfix.log dovecot.log);
}

# environment: the lines by which a shell script knows this mail host.
sub environment
{
	my ($self) = @_;

	return (
		MAILHOST => $self->folder,
		MAIL_HOST => $self->host,
		MAIL_CA => $self->ca_file,
		map { uc($_) . '_PORT' => $self->{port}{$_} } qw(smtp submission smtps imap imaps));
}

# ---------------------------------------------------------------------------
# Small things

# _members: the living processes of some sessions.
sub _members
{
	my %wanted = map { $_ => 1 } @_;

	my @found;
	for my $path (glob '/proc/[0-9]*/stat')
	{
		my $line = _read($path) // next;
		my ($pid, $state, $session) = $line =~ /^(\d+) \(.*\) (\S) -?\d+ -?\d+ (-?\d+) /s or next;
		push @found, $pid if $wanted{$session} && $state ne 'Z' && $state ne 'X';
	}
	return @found;
}

# _alive: is the process there?  One of our own children must be collected.
sub _alive
{
	my ($pid, $is_child) = @_;

	waitpid $pid, POSIX::WNOHANG() if $is_child;
	my $stat = _read("/proc/$pid/stat") // return 0;
	return $stat =~ /^\d+ \(.*\) [ZX] /s ? 0 : 1;
}

sub _program
{
	my ($name) = @_;

	for my $folder (split(/:/, $ENV{PATH} // ''), qw(/usr/sbin /usr/bin))
	{
		return "$folder/$name" if -x "$folder/$name";
	}
	croak "$name is not installed";
}

sub _run
{
	my @command = @_;

	my $pid = open(my $output, '-|') // croak "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec @command; }
		print "$command[0]: $!\n";
		POSIX::_exit(127);
	}
	my $said = do { local $/; <$output> };
	local $?;
	close $output;
	croak "@command: $said" if $?;
}

sub _make
{
	my ($self, $path) = @_;

	mkdir $path, 0755 or $! == EEXIST or croak "$path: $!";
	chown $self->{uid}, $self->{gid}, $path if $> == 0;
}

# _write: a file of the folder, replaced in one step, as its reader may look
# at any moment.  Postfix waits until a file has been at rest for a second, so
# it is dated back, and each version a second after the one before, by which
# Dovecot sees that there is a new one.
sub _write
{
	my ($self, $name, $content) = @_;

	my $path = "$self->{folder}/$name";
	open my $file, '>', "$path.new" or croak "$path: $!";
	print $file $content;
	close $file or croak "$path: $!";
	chown $self->{uid}, $self->{gid}, "$path.new" if $> == 0;
	my $date = int(time) - 3600;
	my $before = (stat $path)[9] // 0;
	$date = $before + 1 if $before >= $date;
	utime $date, $date, "$path.new" or croak "$path: $!";
	rename "$path.new", $path or croak "$path: $!";
}

sub _write_users
{
	my ($self) = @_;

	my $lines = '';
	for my $address (sort keys %{ $self->{users} })
	{
		my $home = "$self->{folder}/mail/$address";
		$lines .= "$address:{PLAIN}$self->{users}{$address}:$self->{uid}:$self->{gid}::${home}::\n";
	}
	$self->_write('users', $lines);

	# Dovecot looks at the file once a second.
	if (defined $self->{supervisor})
	{
		my $second = int time;
		sleep 0.02 while int(time) == $second;
	}
}

sub _write_refused
{
	my ($self, $kind) = @_;

	my $refused = $self->{$kind};
	$self->_write($kind, join '', map { "$_ $refused->{$_}\n" } sort keys %$refused);
}

sub _read
{
	my ($path) = @_;

	open my $file, '<:raw', $path or return;
	local $/;
	return scalar <$file> // '';
}

sub _read_lines
{
	my ($path) = @_;

	my $content = _read($path) // return;
	return split /^/, $content;
}

# However the test ends, its mail hosts end with it; the supervisor's pipe is
# there for the cases in which this is not reached.
END
{
	local ($?, $@, $!);
	for my $self (values %running)
	{
		next if $self->{owner} != $$;
		eval { $self->stop } or warn $@;
	}
}

1;
