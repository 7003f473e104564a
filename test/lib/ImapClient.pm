# ImapClient: a few words of IMAP for tests that look into a mailbox, or put
# something there, as another mail program would.
#
#   my $imap = ImapClient->new($host->imap_port, 'billing@acme.test', 'secret');
#   $imap->append('INBOX', $message);
#   my %flags = $imap->flags('INBOX');          # UID => '\Seen \Answered'
#   my @lines = $imap->command('DELETE "Old"'); # dies unless it is answered OK

package ImapClient;

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::INET;

sub new
{
	my ($class, $port, $username, $password) = @_;

	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10)
	  or croak "no connection: $!";
	my $self = bless { socket => $socket, tag => 0 }, $class;
	$self->_line =~ /^\* OK/ or croak 'no greeting';
	$self->command(qq(LOGIN "$username" "$password"));
	return $self;
}

# command: its untagged answers; literals in them are part of the line.
sub command
{
	my ($self, $command) = @_;

	my $tag = 'T' . ++$self->{tag};
	$self->{socket}->print("$tag $command\r\n");
	return $self->_answers($tag, $command);
}

# append: puts a message, with line ends of either kind, into a mailbox; as one
# that arrived then ("17-Jul-1996 02:44:25 -0700"), or now.
sub append
{
	my ($self, $mailbox, $message, $arrived) = @_;

	$message =~ s/\r?\n/\r\n/g;
	my $tag = 'T' . ++$self->{tag};
	$self->{socket}->printf("%s APPEND \"%s\" %s{%d}\r\n", $tag, $mailbox, $arrived ? qq("$arrived" ) : '', length $message);
	$self->_line =~ /^\+/ or croak 'APPEND: not asked for the message';
	$self->{socket}->print("$message\r\n");
	return $self->_answers($tag, 'APPEND');
}

# flags: of each message in a mailbox, by UID; nothing where it has none.
sub flags
{
	my ($self, $mailbox) = @_;

	$self->command(qq(EXAMINE "$mailbox"));
	my %flags;
	for ($self->command('UID FETCH 1:* (UID FLAGS)'))
	{
		my ($uid, $words) = / FETCH \(UID (\d+) FLAGS \(([^)]*)\)/ or next;
		# newer servers write down by themselves whether there are attachments
		$flags{$uid} = join ' ', grep { !/^(?:\\Recent|\$Has(?:No)?Attachment)$/ } split / /, $words;
	}
	$self->command('CLOSE');
	return %flags;
}

# message_ids: the Message-IDs of the messages in a mailbox, sorted.
sub message_ids
{
	my ($self, $mailbox) = @_;

	$self->command(qq(EXAMINE "$mailbox"));
	my @ids = sort map { /Message-ID: <([^>]*)>/i } $self->command('UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])');
	$self->command('CLOSE');
	return @ids;
}

sub _answers
{
	my ($self, $tag, $command) = @_;

	my @answers;
	while (1)
	{
		my $line = $self->_line;
		while ($line =~ /\{(\d+)\}\z/)
		{
			read($self->{socket}, my $literal, $1) // croak "reading: $!";
			$line .= $literal . $self->_line;
		}
		return @answers if $line =~ /^\Q$tag\E OK/;
		croak "$command: $line" if $line =~ /^\Q$tag\E /;
		push @answers, $line;
	}
}

sub _line
{
	my ($self) = @_;

	my $line = readline($self->{socket}) // croak 'the server closed the connection';
	$line =~ s/\r?\n\z//;
	return $line;
}

1;
