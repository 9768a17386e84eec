package dev.meseta.compiler.llvm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Machine code that runs launches one after the other, the iterations of each shared between the thread that runs them and those that
 * help. It leaves machine code only at the end, when a launch has failed, or when it has waited for long, so that the time from one
 * launch to the next is that of a few memory accesses, and the same before and after a JVM has compiled its own code.
 *
 * <p>A launch is a {@linkplain #RECORD_BYTES record} of the address of its function, the address of its arguments, the number of its
 * iterations, and how many of them are taken at once. Whoever takes part in a launch takes iterations from a ticket until none are left;
 * it is over when all are finished. Only that is waited for: a thread that comes late finds nothing to take, or takes part in the launch
 * of that record that is under way by then.
 */
public final class Dispatcher {
    /** Name of the function. */
    public static final String SYMBOL = "meseta_dispatch";

    /** Bytes of a record: function, arguments, iterations, iterations at once; each of 8 bytes. */
    public static final long RECORD_BYTES = 32;

    /** What {@code run} gives, besides a record's number, if the record's launch has failed. */
    public static final long FAILED = 1L << 61;

    /** What {@code run} gives, besides a record's number, if it is waiting for threads that take part in the record's launch. */
    public static final long WAITING = 1L << 62;

    /** What {@code help} gives if the run is over. */
    public static final long OVER = 0;

    /** What the function's first argument may be: run the records from one number to another. */
    public static final long RUN = 0;

    /** Run on after {@link #WAITING}. */
    public static final long RESUME = 1;

    /** Take part in what another thread runs. */
    public static final long HELP = 2;

    private static final long TICKETS = 128;
    private static final long TICKET_BYTES = 128;
    private static final long SEQUENCE = 64;
    private static final long NOTHING_YET = 0xffff_ffffL;
    private static final VarHandle CURRENT = ValueLayout.JAVA_LONG.varHandle();

    private Dispatcher() {}

    /** Bytes of the memory through which threads share the runs of some records, one run after the other. Zero at first, aligned to 128. */
    public static long controlBytes(long records) {
        return TICKETS + TICKET_BYTES * records;
    }

    /** Tells helpers that a run begins. */
    public static void begin(MemorySegment control) {
        publish(control, NOTHING_YET);
    }

    /** Tells helpers that the run is over. */
    public static void end(MemorySegment control) {
        publish(control, 0);
    }

    private static void publish(MemorySegment control, long what) {
        long sequence = control.get(ValueLayout.JAVA_LONG, SEQUENCE) + 1;
        control.set(ValueLayout.JAVA_LONG, SEQUENCE, sequence);
        CURRENT.setRelease(control, 0L, sequence << 32 | what);
    }

    /**
     * The module's text. Its function is {@code i64 (i64 what, ptr records, ptr control, ptr status, i64 first, i64 end)}.
     *
     * <p>The control begins with a number of which the low half says what there is to help with (0: nothing more; a record's number plus
     * one; all ones: nothing yet), and the high half counts, so that the same record twice is seen as news. A ticket is the number of the
     * next iteration and, in a cache line of its own, the number of finished ones.
     */
    static String ir(String architecture) {
        String pause = switch (architecture) {
            case "x86_64" -> "call void @llvm.x86.sse2.pause()";
            case "aarch64" -> "call void @llvm.aarch64.hint(i32 1)";
            default -> "fence syncscope(\"singlethread\") acq_rel";
        };
        String declaration = switch (architecture) {
            case "x86_64" -> "declare void @llvm.x86.sse2.pause()";
            case "aarch64" -> "declare void @llvm.aarch64.hint(i32)";
            default -> "";
        };
        return TEXT.replace("$PAUSE", pause) + declaration + "\n";
    }

    private static final String TEXT = """
            define internal void @drain(ptr %record, ptr %ticket) nounwind {
            entry:
              %function = load ptr, ptr %record
              %p.arguments = getelementptr i64, ptr %record, i64 1
              %arguments = load ptr, ptr %p.arguments
              %p.grid = getelementptr i64, ptr %record, i64 2
              %grid = load i64, ptr %p.grid
              %p.chunk = getelementptr i64, ptr %record, i64 3
              %chunk = load i64, ptr %p.chunk
              %finished = getelementptr i8, ptr %ticket, i64 64
              br label %take
            take:
              %begin = atomicrmw add ptr %ticket, i64 %chunk acq_rel
              %some = icmp slt i64 %begin, %grid
              br i1 %some, label %work, label %done
            work:
              %next = add i64 %begin, %chunk
              %short = icmp slt i64 %grid, %next
              %end = select i1 %short, i64 %grid, i64 %next
              call void %function(ptr %arguments, i64 %begin, i64 %end)
              %count = sub i64 %end, %begin
              %before = atomicrmw add ptr %finished, i64 %count acq_rel
              br label %take
            done:
              ret void
            }

            define internal i1 @await(ptr %record, ptr %ticket) nounwind {
            entry:
              %p.grid = getelementptr i64, ptr %record, i64 2
              %grid = load i64, ptr %p.grid
              %finished = getelementptr i8, ptr %ticket, i64 64
              br label %test
            test:
              %spins = phi i64 [ 0, %entry ], [ %more, %again ]
              %count = load atomic i64, ptr %finished acquire, align 8
              %all = icmp sge i64 %count, %grid
              br i1 %all, label %yes, label %spin
            spin:
              %more = add i64 %spins, 1
              %long = icmp sgt i64 %more, 50000
              br i1 %long, label %no, label %go
            go:
              %turn = and i64 %more, 63
              %pauses = icmp eq i64 %turn, 0
              br i1 %pauses, label %pause, label %again
            pause:
              $PAUSE
              br label %again
            again:
              br label %test
            yes:
              ret i1 true
            no:
              ret i1 false
            }

            define internal i64 @help(ptr %records, ptr %control) nounwind {
            entry:
              br label %look
            look:
              %last = phi i64 [ 0, %entry ], [ %last, %again ], [ %current, %helped ]
              %spins = phi i64 [ 0, %entry ], [ %more, %again ], [ 0, %helped ]
              %current = load atomic i64, ptr %control acquire, align 8
              %what = and i64 %current, 4294967295
              %over = icmp eq i64 %what, 0
              br i1 %over, label %end, label %open
            open:
              %same = icmp eq i64 %current, %last
              %early = icmp eq i64 %what, 4294967295
              %nothing = or i1 %same, %early
              br i1 %nothing, label %spin, label %work
            spin:
              %more = add i64 %spins, 1
              %long = icmp sgt i64 %more, 50000
              br i1 %long, label %idle, label %go
            go:
              %turn = and i64 %more, 63
              %pauses = icmp eq i64 %turn, 0
              br i1 %pauses, label %pause, label %again
            pause:
              $PAUSE
              br label %again
            again:
              br label %look
            work:
              %number = sub i64 %what, 1
              %record.at = mul i64 %number, 32
              %record = getelementptr i8, ptr %records, i64 %record.at
              %ticket.at = mul i64 %number, 128
              %tickets = getelementptr i8, ptr %control, i64 128
              %ticket = getelementptr i8, ptr %tickets, i64 %ticket.at
              call void @drain(ptr %record, ptr %ticket)
              br label %helped
            helped:
              br label %look
            end:
              ret i64 0
            idle:
              ret i64 1
            }

            define internal i64 @run(ptr %records, ptr %control, ptr %status, i64 %first, i64 %end, i1 %resume) nounwind {
            entry:
              %p.sequence = getelementptr i8, ptr %control, i64 64
              %tickets = getelementptr i8, ptr %control, i64 128
              br label %step
            step:
              %number = phi i64 [ %first, %entry ], [ %following, %next ]
              %resumed = phi i1 [ %resume, %entry ], [ false, %next ]
              %more = icmp slt i64 %number, %end
              br i1 %more, label %begin, label %all
            begin:
              %record.at = mul i64 %number, 32
              %record = getelementptr i8, ptr %records, i64 %record.at
              %ticket.at = mul i64 %number, 128
              %ticket = getelementptr i8, ptr %tickets, i64 %ticket.at
              br i1 %resumed, label %wait, label %start
            start:
              %p.grid = getelementptr i64, ptr %record, i64 2
              %grid = load i64, ptr %p.grid
              %p.chunk = getelementptr i64, ptr %record, i64 3
              %chunk = load i64, ptr %p.chunk
              %alone = icmp sle i64 %grid, %chunk
              br i1 %alone, label %serial, label %parallel
            serial:
              %function = load ptr, ptr %record
              %p.arguments = getelementptr i64, ptr %record, i64 1
              %arguments = load ptr, ptr %p.arguments
              call void %function(ptr %arguments, i64 0, i64 %grid)
              br label %check
            parallel:
              %finished = getelementptr i8, ptr %ticket, i64 64
              store atomic i64 0, ptr %finished release, align 8
              store atomic i64 0, ptr %ticket release, align 8
              %before = load i64, ptr %p.sequence
              %sequence = add i64 %before, 1
              store i64 %sequence, ptr %p.sequence
              %high = shl i64 %sequence, 32
              %low = add i64 %number, 1
              %current = or i64 %high, %low
              store atomic i64 %current, ptr %control release, align 8
              call void @drain(ptr %record, ptr %ticket)
              br label %wait
            wait:
              %finishes = call i1 @await(ptr %record, ptr %ticket)
              br i1 %finishes, label %check, label %leave
            check:
              %code = load i64, ptr %status
              %bad = icmp ne i64 %code, 0
              br i1 %bad, label %failed, label %next
            next:
              %following = add i64 %number, 1
              br label %step
            leave:
              %waiting = or i64 %number, 4611686018427387904
              ret i64 %waiting
            failed:
              %failure = or i64 %number, 2305843009213693952
              ret i64 %failure
            all:
              ret i64 %end
            }

            define i64 @meseta_dispatch(i64 %what, ptr %records, ptr %control, ptr %status, i64 %first, i64 %end) nounwind {
            entry:
              %helps = icmp eq i64 %what, 2
              br i1 %helps, label %help, label %run
            help:
              %h = call i64 @help(ptr %records, ptr %control)
              ret i64 %h
            run:
              %resume = icmp eq i64 %what, 1
              %r = call i64 @run(ptr %records, ptr %control, ptr %status, i64 %first, i64 %end, i1 %resume)
              ret i64 %r
            }

            """;
}
