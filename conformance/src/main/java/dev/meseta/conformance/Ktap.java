package dev.meseta.conformance;

import java.io.PrintStream;

/**
 * Writes a report as KTAP (source: the Linux kernel's {@code Documentation/dev-tools/ktap.rst}): the version, the plan, a line a test, lines
 * of diagnostics that begin with {@code #}. An expected failure is {@code not ok} with the directive XFAIL, so that the number of failures
 * in the last line is the number of {@code not ok} lines.
 */
public final class Ktap implements Report {
    private static final int LONGEST_LINE = 400;

    private final PrintStream out;

    public Ktap(PrintStream out) {
        this.out = out;
    }

    @Override
    public void plan(int tests) {
        out.println("KTAP version 1");
        out.println("1.." + tests);
    }

    @Override
    public void result(Result r) {
        String line = " " + r.number() + " " + oneLine(r.name());
        switch (r.outcome()) {
            case PASS -> out.println("ok" + line);
            case SKIP -> out.println("ok" + line + " # SKIP " + oneLine(r.reason()));
            case FAIL -> out.println("not ok" + line);
            case EXPECTED_FAILURE -> out.println("not ok" + line + " # XFAIL " + oneLine(r.reason()));
            case UNEXPECTED_PASS -> {
                out.println("not ok" + line);
                remark("passed, but is listed as an expected failure: " + r.reason());
            }
        }
        r.details().forEach(this::remark);
        out.flush();
    }

    @Override
    public void remark(String line) {
        out.println("# " + oneLine(line));
    }

    @Override
    public void summary(Summary s) {
        if (s.expectedFailures() > 0) remark(s.expectedFailures() + " of the failures are expected");
        out.println("# pass:" + s.pass() + " fail:" + s.fail() + " skip:" + s.skip());
        out.flush();
    }

    /** A line break or a {@code #} in a message must not become a line or a directive of its own. */
    private static String oneLine(String text) {
        String line = text.replaceAll("\\R", " | ").replace("#", "");
        return line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + "…";
    }
}
