package dev.meseta.compiler.llvm;

import dev.meseta.machine.Dispatcher;

/** The code of {@link Dispatcher}, in LLVM's language. */
final class DispatcherIr {
    private DispatcherIr() {}

    /**
     * The module's text. Its function is {@code i64 (i64 what, ptr records, ptr control, ptr status, i64 first, i64 end)}.
     *
     * <p>The control begins with a number of which the low half says what there is to help with (0: nothing more; a record's number plus
     * one; all ones: nothing yet), and the high half counts, so that the same record twice is seen as news. A ticket is a line with the
     * number of finished units, then a line for each part: what is left of it, the first unit in the upper half and the one behind the
     * last in the lower, and the same for the whole part.
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
            define internal void @drain(ptr %record, ptr %ticket, i64 %own) nounwind {
            entry:
              %function = load ptr, ptr %record
              %p.arguments = getelementptr i64, ptr %record, i64 1
              %arguments = load ptr, ptr %p.arguments
              %p.grid = getelementptr i64, ptr %record, i64 2
              %grid = load i64, ptr %p.grid
              %p.unit = getelementptr i64, ptr %record, i64 4
              %unit = load i64, ptr %p.unit
              %p.parts = getelementptr i64, ptr %record, i64 5
              %parts = load i64, ptr %p.parts
              %first = urem i64 %own, %parts
              br label %part
            part:
              %i = phi i64 [ 0, %entry ], [ %i.next, %empty ]
              %sum = add i64 %first, %i
              %beyond = icmp uge i64 %sum, %parts
              %wrapped = sub i64 %sum, %parts
              %p = select i1 %beyond, i64 %wrapped, i64 %sum
              %line = add i64 %p, 1
              %line.at = mul i64 %line, 64
              %left = getelementptr i8, ptr %ticket, i64 %line.at
              %mine = icmp eq i64 %i, 0
              br label %take
            take:
              %word = load atomic i64, ptr %left acquire, align 8
              br label %try
            try:
              %seen = phi i64 [ %word, %take ], [ %found, %cut ]
              %begin = lshr i64 %seen, 32
              %end = and i64 %seen, 4294967295
              %some = icmp ult i64 %begin, %end
              br i1 %some, label %cut, label %empty
            cut:
              %length = sub i64 %end, %begin
              %half = lshr i64 %length, 1
              %front = sub i64 %end, %half
              %back = add i64 %begin, %half
              %at = select i1 %mine, i64 %front, i64 %back
              %from = select i1 %mine, i64 %begin, i64 %at
              %to = select i1 %mine, i64 %at, i64 %end
              %rest.begin = select i1 %mine, i64 %at, i64 %begin
              %rest.end = select i1 %mine, i64 %end, i64 %at
              %rest.high = shl i64 %rest.begin, 32
              %rest = or i64 %rest.high, %rest.end
              %swap = cmpxchg ptr %left, i64 %seen, i64 %rest acq_rel acquire, align 8
              %found = extractvalue { i64, i1 } %swap, 0
              %taken = extractvalue { i64, i1 } %swap, 1
              br i1 %taken, label %work, label %try
            work:
              %low = mul i64 %from, %unit
              %high = mul i64 %to, %unit
              %short = icmp slt i64 %grid, %high
              %last = select i1 %short, i64 %grid, i64 %high
              call void %function(ptr %arguments, i64 %low, i64 %last)
              %count = sub i64 %to, %from
              %before = atomicrmw add ptr %ticket, i64 %count acq_rel
              br label %take
            empty:
              %i.next = add i64 %i, 1
              %more = icmp ult i64 %i.next, %parts
              br i1 %more, label %part, label %done
            done:
              ret void
            }

            define internal i1 @await(ptr %record, ptr %ticket) nounwind {
            entry:
              %p.units = getelementptr i64, ptr %record, i64 3
              %units = load i64, ptr %p.units
              br label %test
            test:
              %spins = phi i64 [ 0, %entry ], [ %more, %again ]
              %count = load atomic i64, ptr %ticket acquire, align 8
              %all = icmp sge i64 %count, %units
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

            define internal i64 @help(ptr %records, ptr %control, i64 %own) nounwind {
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
              %record.at = mul i64 %number, 64
              %record = getelementptr i8, ptr %records, i64 %record.at
              %p.ticket = getelementptr i64, ptr %record, i64 6
              %ticket.at = load i64, ptr %p.ticket
              %ticket = getelementptr i8, ptr %control, i64 %ticket.at
              call void @drain(ptr %record, ptr %ticket, i64 %own)
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
              br label %step
            step:
              %number = phi i64 [ %first, %entry ], [ %following, %next ]
              %resumed = phi i1 [ %resume, %entry ], [ false, %next ]
              %more = icmp slt i64 %number, %end
              br i1 %more, label %begin, label %all
            begin:
              %record.at = mul i64 %number, 64
              %record = getelementptr i8, ptr %records, i64 %record.at
              %p.ticket = getelementptr i64, ptr %record, i64 6
              %ticket.at = load i64, ptr %p.ticket
              %ticket = getelementptr i8, ptr %control, i64 %ticket.at
              br i1 %resumed, label %wait, label %start
            start:
              %p.parts = getelementptr i64, ptr %record, i64 5
              %parts = load i64, ptr %p.parts
              %alone = icmp eq i64 %parts, 0
              br i1 %alone, label %serial, label %parallel
            serial:
              %function = load ptr, ptr %record
              %p.arguments = getelementptr i64, ptr %record, i64 1
              %arguments = load ptr, ptr %p.arguments
              %p.grid = getelementptr i64, ptr %record, i64 2
              %grid = load i64, ptr %p.grid
              call void %function(ptr %arguments, i64 0, i64 %grid)
              br label %check
            parallel:
              store atomic i64 0, ptr %ticket release, align 8
              br label %refill
            refill:
              %part = phi i64 [ 0, %parallel ], [ %part.next, %refill ]
              %part.next = add i64 %part, 1
              %line.at = mul i64 %part.next, 64
              %left = getelementptr i8, ptr %ticket, i64 %line.at
              %p.whole = getelementptr i64, ptr %left, i64 1
              %whole = load i64, ptr %p.whole
              store atomic i64 %whole, ptr %left release, align 8
              %unfilled = icmp ult i64 %part.next, %parts
              br i1 %unfilled, label %refill, label %publish
            publish:
              %before = load i64, ptr %p.sequence
              %sequence = add i64 %before, 1
              store i64 %sequence, ptr %p.sequence
              %high = shl i64 %sequence, 32
              %low = add i64 %number, 1
              %current = or i64 %high, %low
              store atomic i64 %current, ptr %control release, align 8
              call void @drain(ptr %record, ptr %ticket, i64 0)
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
              %h = call i64 @help(ptr %records, ptr %control, i64 %first)
              ret i64 %h
            run:
              %resume = icmp eq i64 %what, 1
              %r = call i64 @run(ptr %records, ptr %control, ptr %status, i64 %first, i64 %end, i1 %resume)
              ret i64 %r
            }

            """;
}
