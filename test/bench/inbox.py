#!/usr/bin/env python3
"""What reading the inbox costs, where there is much and where there is little.

  test/bench/inbox.py [WORD ...]   calls whose names contain a WORD; default: all

Ours is the median of a call in milliseconds with 200,000 threads and 1,000,000
messages (SCALE=n times that), the reference the same with 10,000 and 50,000,
each in RUNS runs (5) in turn.  A call may take 10 ms, and no more than twice
its reference.  The callers are members who may read, in the first company (it
has three fifths of the mail) and in all ten; the data are inbox_data.sql's.
What lies on the disk was read just before: disks are not what is measured.

Run by itself, this prints lines as bench.tsv has them.
"""

import os
import random
import re
import statistics
import sys

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from entries import Entry                               # noqa: E402
from server import Cluster, Failure                     # noqa: E402

SMALL = (10000, 50000)
LARGE = (200000, 1000000)

# A session's first calls fill its caches and are not counted; nor are those in
# which the operating system maps shared memory, page by page, for a new process.
WARM_UP = 150
CALLS = 25
# From call to call: the calls of a session ask for different things, where
# little is too (it is prime): the same again costs half.  There are 200 threads
# of 30 messages where there are 10,000.
STRIDE = 7919


class InboxCall(Entry):
    unit = "ms"
    most = 10
    most_ratio = 2
    role = "ar_bench_all"
    needs = None                # a function that has to be there

    def statement(self, number, threads):
        """The call, given a whole number that differs from call to call."""
        raise NotImplementedError

    def set_up(self):
        self.sizes = {}
        for name, (threads, messages) in (("inbox_small", SMALL),
                                          ("inbox_large", tuple(n * self.scale for n in LARGE))):
            self.sizes[name] = threads
            with open(os.path.join(HERE, "inbox_data.sql"), encoding="utf-8") as data:
                self.template(name, "create extension ar_inbox;\nselect ar_inbox.install();",
                              "\\set threads %d\n\\set messages %d\n%s" % (threads, messages, data.read()))
        self.turns = {name: 0 for name in self.sizes}
        self.cluster.read_in()

    def warm_up(self, number, threads):
        """A call that is not counted, so another one than those that are."""
        return self.statement(number, threads)

    def there(self):
        """Whether what is measured is there at all."""
        return self.needs is None or self.cluster.sql(
            "inbox_small", "select to_regproc('%s') is not null;" % self.needs) == "t"

    def median(self, database):
        self.turns[database] += 1
        first = random.Random(self.turns[database]).randrange(1000000)
        calls = [(self.warm_up if call < WARM_UP else self.statement)(first + STRIDE * call, self.sizes[database])
                 for call in range(WARM_UP + CALLS)]
        answer = self.cluster.sql(database, "set role %s;\n\\o %s\n\\timing on\n%s;\n"
                                  % (self.role, os.devnull, ";\n".join(calls)))
        times = [float(found) for found in re.findall(r"^Time: ([0-9.]+) ms", answer, re.MULTILINE)]
        if len(times) != len(calls):
            raise Failure("%s: %d of %d calls came back" % (self.name, len(times), len(calls)))
        return statistics.median(times[WARM_UP:])

    def ours(self):
        return self.median("inbox_large")

    def reference(self):
        return self.median("inbox_small")


def calls():
    """An entry for each call; of folders for both callers."""
    made = []

    def call(name, statement, **more):
        made.append(type("InboxCall", (InboxCall,), {"name": name, "statement": statement, **more}))

    for folder in ("open", "pending", "closed", "all", "sent", "spam"):
        call("folder " + folder,
             lambda self, number, threads, folder=folder: "select * from ar_inbox.folder('%s')" % folder)
        call("folder %s, one company" % folder,
             lambda self, number, threads, folder=folder: "select * from ar_inbox.folder('%s')" % folder,
             role="ar_bench_one")
    for folder in ("all", "sent"):
        call("folder %s, a page in its midst" % folder,
             lambda self, number, threads, folder=folder:
             "select * from ar_inbox.folder('%s', before => timestamptz '2025-12-01' - interval '%d minutes')"
             % (folder, number % 100000))
    call("thread of 30 messages",
         lambda self, number, threads: "select ar_inbox.thread(%d)" % (50 * (1 + number % (threads // 50))))
    call("recent emails",
         lambda self, number, threads: "select * from ar_inbox.recent_emails(%d)" % (1 + number % (threads // 4)))
    # the ones with fifty threads and more, of whom there are 25 where there is little
    call("recent emails, much mail",
         lambda self, number, threads:
         "select * from ar_inbox.recent_emails(%d)" % (1 + 100 * (number % (threads // 400))),
         warm_up=lambda self, number, threads:
         "select * from ar_inbox.recent_emails(%d)" % (2 + 100 * (number % (threads // 400)) + number % 99))
    for name, words in (("rare words", ("dispute purchase late", "zupekice OR lonababa", "goods discount late")),
                        ("a number", ("PO-%d",)), ("a frequent word", ("invoice", "payment")),
                        ("a phrase", ('"payment please"', '"invoice you"'))):
        call("search " + name,
             lambda self, number, threads, words=words: "select * from ar_inbox.search_threads('%s')"
             # (numbers are as many as messages are)
            % words[number % len(words)].replace("%d", "%d" % (number % (threads * LARGE[1] // LARGE[0]))),
             needs="ar_inbox.search_threads")
    return made


ENTRIES = calls()


def main():
    scale = int(os.environ.get("SCALE") or 1)
    runs = int(os.environ.get("RUNS") or 5)
    cluster = Cluster()
    try:
        cluster.start()
        print("\t".join(("name", "ours", "reference", "unit", "ratio", "runs", "missed")), flush=True)
        for kind in ENTRIES:
            if sys.argv[1:] and not any(word in kind.name for word in sys.argv[1:]):
                continue
            entry = kind(cluster, scale)
            entry.set_up()
            if not entry.there():
                print("%s: there is no %s" % (kind.name, kind.needs), file=sys.stderr)
                continue
            pairs = [(entry.ours(), entry.reference()) for _ in range(runs)]
            ours, reference = (statistics.median(times) for times in zip(*pairs))
            print("%s\t%.2f\t%.2f\tms\t%.2f\t%d\t%s"
                  % (kind.name, ours, reference, ours / reference, runs, kind.missed(ours, reference)), flush=True)
    except Failure as failure:
        sys.exit("test/bench/inbox.py: %s" % failure)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
