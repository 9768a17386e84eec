package dev.meseta.runtime.scheduler;

import org.jspecify.annotations.Nullable;

/**
 * Tells those who wait for jobs that the jobs have ended, one after the other: whoever is told may end other jobs, which then wait here, so
 * that a chain of failures takes no stack. One for each thread.
 */
final class Telling {
    private static final ThreadLocal<Telling> HERE = ThreadLocal.withInitial(Telling::new);

    private @Nullable Submission first;
    private @Nullable Submission last;
    private boolean busy;

    /**
     * Tells of all jobs of a list, which is linked by {@link Submission#next}, or leaves them to the caller that is at it on this thread.
     * Called without the scheduler's lock.
     */
    static void tell(@Nullable Submission list) {
        if (list == null) return;
        Telling t = HERE.get();
        t.append(list);
        if (t.busy) return;
        t.busy = true;
        try {
            for (Submission s = t.first; s != null; s = t.first) {
                t.first = s.next;
                if (t.first == null) t.last = null;
                s.next = null;
                s.complete();
            }
        } finally {
            t.busy = false;
        }
    }

    private void append(Submission list) {
        if (last == null) first = list;
        else last.next = list;
        Submission end = list;
        for (Submission s = list.next; s != null; s = s.next) end = s;
        last = end;
    }
}
