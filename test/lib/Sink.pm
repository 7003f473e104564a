# Sink: a mail server that takes every message, or misbehaves as told: smtp-sink
# of Debian's postfix, on a loopback port of its own.
#
#   my $sink = Sink->new;                           # takes everything
#   my $bad = Sink->new('-r', 'RCPT');              # answers RCPT with 4xx
#   ... smtp://127.0.0.1:PORT with $sink->url ...
#   my @messages = $sink->messages;
#   $sink->stop;  $sink->start('-f', 'DATA');       # the same port, other manners
#
# It ends with the test, even when that is killed.

package Sink;

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use Time::HiRes qw(sleep time);

my %running;

# new: started, with the options of smtp-sink that are given.
sub new
{
	my ($class, @option) = @_;

	my $self = $class->reserve;
	return $self->start(@option);
}

# reserve: only a port, at which nobody answers yet.
sub reserve
{
	my ($class) = @_;

	return bless {
		port => PostgreSQL::Test::Cluster::get_free_port(),
		folder => File::Temp->newdir('sink.XXXXXX', TMPDIR => 1),
	}, $class;
}

sub port { $_[0]{port} }
sub url { "smtp://127.0.0.1:$_[0]{port}" }

sub start
{
	my ($self, @option) = @_;

	croak 'already started' if $self->{pid};
	$self->{pid} = fork // croak "fork: $!";
	if ($self->{pid} == 0)
	{
		open STDERR, '>>', "$self->{folder}/log";
		open STDOUT, '>&', \*STDERR;
		$ENV{PATH} .= ':/usr/sbin';
		# -c: it says how many sessions and messages there were
		{
			no warnings 'exec';
			exec 'setpriv', '--pdeathsig', 'KILL', 'smtp-sink', '-d', "$self->{folder}/message.",
			  @option, "127.0.0.1:$self->{port}", '200';
		}
		require POSIX;
		POSIX::_exit(127);
	}
	$running{ $self->{pid} } = $self;

	# A look without a connection, which would take part in what is tried.
	my $wanted = sprintf ': 0100007F:%04X 00000000:0000 0A', $self->{port};
	my $deadline = time + 20;
	while (1)
	{
		open my $table, '<', '/proc/net/tcp' or croak "/proc/net/tcp: $!";
		return $self if grep { index($_, $wanted) >= 0 } <$table>;
		croak 'smtp-sink does not start' if time > $deadline || waitpid($self->{pid}, 1) == $self->{pid};
		sleep 0.02;
	}
}

sub stop
{
	my ($self) = @_;

	my $pid = delete $self->{pid} or return $self;
	delete $running{$pid};
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return $self;
}

# messages: all that it took, each as smtp-sink wrote it down.
sub messages
{
	my ($self) = @_;

	return map { local (@ARGV, $/) = ($_); scalar <> } sort glob "$self->{folder}/message.*";
}

END
{
	local ($?, $!);
	$_->stop for values %running;
}

1;
