# teller.pl JOURNAL [READY_AFTER_SECONDS]: plays a managed process and tells the journal what becomes of it, one line each:
# MICROSECONDS WHAT SERVER TYPE INSTANCE LAUNCH ATTEMPT PID. Perl, because it starts in 5 ms and is on every Debian.
use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_REALTIME);

my ($journal, $delay) = (@ARGV, 0);
sub tell_it {
    open(my $file, '>>', $journal) or die "$journal: $!";
    my @who = map { $ENV{"CASTELLAN_$_"} } qw(SERVER TYPE INSTANCE LAUNCH ATTEMPT);
    syswrite($file, join(' ', int(clock_gettime(CLOCK_REALTIME) * 1e6), $_[0], @who, $$) . "\n");
}
$SIG{TERM} = sub { tell_it('stopping'); exit 0 };
$| = 1;
tell_it('started');
Time::HiRes::sleep($delay) if $delay > 0;
tell_it('ready');
print "ready\n";
sleep 3600 while 1;
