# MailHost::Supervisor: the part of MailHost that runs the servers and sees to
# it that they end.

package MailHost;

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(F_SETFD);
use File::Path qw(remove_tree);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our ($library, %running);

# _launch: the supervisor, in a process that shares nothing with this one but
# one end of a pipe; when the other end closes, we are gone.
sub _launch
{
	my ($self, $detached) = @_;

	pipe my $theirs, my $ours or croak "pipe: $!";
	my $pid = fork // croak "fork: $!";
	if ($pid == 0)
	{
		POSIX::setsid();
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$self->{folder}/supervisor.log";
		open STDERR, '>&', \*STDOUT;
		fcntl $theirs, F_SETFD, 0;
		delete @ENV{qw(PERL5OPT HARNESS_ACTIVE)};
		my $code = 'MailHost::_supervise(@ARGV)';
		{
			no warnings 'exec';
			exec $^X, "-I$library", '-MMailHost', '-e', $code, $self->{folder}, @$self{qw(run uid gid)},
			  $detached ? -1 : fileno $theirs;
		}
		POSIX::_exit(127);
	}
	$self->{supervisor} = $pid;
	$self->{owner} = $$;
	$self->{lifeline} = $ours;
	$self->{detached} = $detached;
	$running{$pid} = $self if !$detached;
	my %state = (%{ $self->{state} }, supervisor => $pid);
	$self->_write('state', join '', map { "$_=$state{$_}\n" } sort keys %state);
}

sub _wait_ready
{
	my ($self) = @_;

	my $deadline = time + 30;
	my @waiting = map { [ $_ => $self->{port}{$_} ] } sort keys %{ $self->{port} };
	while (@waiting)
	{
		return 0 if time > $deadline || waitpid($self->{supervisor}, POSIX::WNOHANG()) != 0;
		my ($name, $port) = @{ $waiting[0] };
		my $socket = IO::Socket::INET->new(PeerAddr => $self->host, PeerPort => $port, Timeout => 2);

		# Another program may have been given the port meanwhile: ours greets.
		if ($socket && ($name =~ /s$/ || _greeting($socket) =~ /^220 mail\.test|^\* OK .*Dovecot/))
		{
			shift @waiting;
			next;
		}
		sleep 0.03;
	}
	my @sessions = _read_lines("$self->{folder}/sessions");
	return @sessions == 2 && !grep { chomp; !_alive($_) } @sessions;
}

sub _greeting
{
	my ($socket) = @_;

	my $ready = '';
	vec($ready, fileno $socket, 1) = 1;
	return '' if !select $ready, undef, undef, 5;
	return <$socket> // '';
}

# ---------------------------------------------------------------------------
# The supervisor: a program of its own, see _launch

sub _supervise
{
	my ($folder, $run, $uid, $gid, $lifeline) = @_;

	$0 = "mailhost $folder";
	$| = 1;
	my $asked = 0;
	$SIG{$_} = sub { $asked = 1 } for qw(TERM INT HUP);
	$SIG{PIPE} = 'IGNORE';
	if ($> == 0)
	{
		local $! = 0;
		$) = "$gid $gid";
		$( = $gid;
		POSIX::setuid($uid);
		if ($> != $uid)
		{
			print "supervisor: cannot become user $uid\n";
			exit 1;
		}
	}
	my $postfix = '/usr/lib/postfix/sbin/master';
	my @server = (
		[ dovecot => {}, _program('dovecot'), '-F', '-c', "$folder/dovecot.conf" ],
		[ postfix => { LD_PRELOAD => "$folder/asroot.so", MAIL_CONFIG => "$folder/postfix" },
			$postfix, '-d', '-c', "$folder/postfix" ]);
	my %name;
	for (@server)
	{
		my ($name, $environment, @command) = @$_;
		my $pid = fork;
		if (!defined $pid)
		{
			print "supervisor: fork: $!\n";
			last;
		}
		if ($pid == 0)
		{
			POSIX::setsid();
			%ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LANG => 'C', %$environment);
			$SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE);
			{ no warnings 'exec'; exec @command; }
			print "supervisor: $command[0]: $!\n";
			POSIX::_exit(127);
		}
		$name{$pid} = $name;
	}
	my @session = sort { $a <=> $b } keys %name;
	if (open my $file, '>', "$folder/sessions")
	{
		print $file map { "$_\n" } @session;
		close $file;
	}

	# Watch until told to stop, a server ends, or nobody needs us any more.
	my $pipe;
	open $pipe, '<&=', $lifeline if $lifeline >= 0;
	while (!$asked)
	{
		if ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0)
		{
			next if !$name{$pid};
			printf "supervisor: %s ended with status %d\n", delete $name{$pid}, $?;
			last;
		}
		my $ready = '';
		vec($ready, fileno $pipe, 1) = 1 if $pipe;
		last if select($ready, undef, undef, 0.25) > 0;
	}

	# Politely first, both at once; then whoever is left of their sessions.
	kill 'TERM', keys %name;
	my ($again, $deadline) = (time + 0.3, time + 5);
	while ((my @left = _members(@session)) && time < $deadline)
	{
		if ($again && time > $again)
		{
			kill 'TERM', @left;
			$again = 0;
		}
		1 while waitpid(-1, POSIX::WNOHANG()) > 0;
		sleep 0.01;
	}
	for (my $tries = 0; $tries < 100 && (my @left = _members(@session)); $tries++)
	{
		kill 'KILL', @left;
		1 while waitpid(-1, POSIX::WNOHANG()) > 0;
		sleep 0.01;
	}
	remove_tree($run);
	exit 0;
}

1;
