# ImapPeer: what stands in an IMAP server's place, or before it, and misbehaves.
#
#   my $peer = ImapPeer->silent;            # takes connections, never says a word
#   my $peer = ImapPeer->stopping;          # stops in the middle of a message
#   my $peer = ImapPeer->before($port);     # passes on to the server at that port
#   ... imap://127.0.0.1:PORT with $peer->url ...
#   $peer->hold('UID MOVE');                # from now on: no line like this goes on
#   $peer->wait_held;                       # one of them has come
#   $peer->release;                         # its connection is closed; lines go on
#   $peer->cut;                             # closes all connections
#   $peer->stop;
#
# Each is a process of its own, that ends with the test, even when that is
# killed.

package ImapPeer;

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

my %running;

sub silent { return $_[0]->_start(sub { }) }
sub stopping { return $_[0]->_start(\&_stop_in_literal) }
sub before { return $_[0]->_start(undef, $_[1]) }

sub port { $_[0]{port} }
sub url { "imap://127.0.0.1:$_[0]{port}" }

sub hold
{
	my ($self, $words) = @_;

	unlink "$self->{folder}/held";
	$self->_write('hold.new', $words);
	rename "$self->{folder}/hold.new", "$self->{folder}/hold" or croak "hold: $!";
	return $self;
}

sub wait_held
{
	my ($self, $timeout) = @_;

	my $deadline = time + ($timeout // 30);
	while (!-e "$self->{folder}/held")
	{
		return 0 if time > $deadline;
		sleep 0.02;
	}
	return 1;
}

sub release
{
	my ($self) = @_;

	unlink "$self->{folder}/hold";
	return $self->cut;
}

sub cut
{
	my ($self) = @_;

	kill 'USR1', $self->{pid};
	return $self;
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

# _start: greet is called with each connection and each line that comes on it.
sub _start
{
	my ($class, $talk, $server_port) = @_;

	my $listener = IO::Socket::INET->new(Listen => 1000, LocalAddr => '127.0.0.1', Proto => 'tcp', ReuseAddr => 1)
	  or croak "no port: $!";
	my $self = bless { port => $listener->sockport, folder => File::Temp->newdir('peer.XXXXXX', TMPDIR => 1) }, $class;
	my $parent = $$;
	$self->{pid} = fork // croak "fork: $!";
	if ($self->{pid} == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
		eval { $self->_serve($listener, $talk, $server_port, $parent) };
		warn $@ if $@;
		POSIX::_exit(0);
	}
	$running{ $self->{pid} } = $self;
	return $self;
}

sub _write
{
	my ($self, $name, $text) = @_;

	open my $file, '>', "$self->{folder}/$name" or croak "$name: $!";
	print $file $text;
	close $file or croak "$name: $!";
}

sub _serve
{
	my ($self, $listener, $talk, $server_port, $parent) = @_;

	my $select = IO::Select->new($listener);
	my (%client, %other, %buffer);
	my $cut = 0;
	local $SIG{USR1} = sub { $cut = 1 };
	local $SIG{PIPE} = 'IGNORE';
	my $drop = sub {
		my @both = ($_[0], $other{ $_[0] } // ());
		for my $socket (@both)
		{
			$select->remove($socket);
			delete $buffer{$socket};
			delete $client{$socket};
			delete $other{$socket};
			close $socket;
		}
	};
	while (getppid == $parent)
	{
		my @ready = $select->can_read(0.5);
		if ($cut)
		{
			$cut = 0;
			my @client = values %client;
			$drop->($_) for @client;
			next;
		}
		for my $socket (@ready)
		{
			if ($socket == $listener)
			{
				my $new = $listener->accept or next;
				$client{$new} = $new;
				$select->add($new);
				if ($server_port)
				{
					my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server_port);
					if (!$server)
					{
						$drop->($new);
						next;
					}
					@other{ $new, $server } = ($server, $new);
					$select->add($server);
				}
				else
				{
					$talk->($new, undef);
				}
				next;
			}
			next if !defined fileno $socket;
			my $got = sysread $socket, my $bytes, 65536;
			if (!$got)
			{
				$drop->($socket);
			}
			elsif (!$client{$socket})
			{
				syswrite $other{$socket}, $bytes;
			}
			else
			{
				$buffer{$socket} .= $bytes;
				while (defined $buffer{$socket} && $buffer{$socket} =~ s/^([^\n]*\n)//)
				{
					my $line = $1;
					if (!$server_port)
					{
						$talk->($socket, $line =~ s/\r?\n\z//r);
						next;
					}
					if (open my $file, '<', "$self->{folder}/hold")
					{
						my $words = <$file>;
						if (index($line, $words) >= 0)
						{
							$self->_write('held', $line);
							next;
						}
					}
					syswrite $other{$socket}, $line;
				}
			}
		}
	}
}

# _stop_in_literal: a mailbox with one message, of which half comes.
sub _stop_in_literal
{
	my ($socket, $line) = @_;

	return syswrite $socket, "* OK ready\r\n" if !defined $line;
	my ($tag, $command) = split / /, $line, 2;
	my $answer = '';
	if ($command =~ /^CAPABILITY/)
	{
		$answer = "* CAPABILITY IMAP4rev1\r\n";
	}
	elsif ($command =~ /^(?:EXAMINE|SELECT)/)
	{
		$answer = "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n";
	}
	elsif ($command =~ /^UID SEARCH/)
	{
		$answer = "* SEARCH 1\r\n";
	}
	elsif ($command =~ /RFC822\.SIZE/)
	{
		$answer = "* 1 FETCH (UID 1 RFC822.SIZE 1000)\r\n";
	}
	elsif ($command =~ /^UID FETCH/)
	{
		return syswrite $socket, "* 1 FETCH (UID 1 FLAGS () BODY[] {1000}\r\nSubject: half a message\r\n\r\nThis is";
	}
	syswrite $socket, "${answer}$tag OK done\r\n";
}

END
{
	local ($?, $!);
	$_->stop for values %running;
}

1;
