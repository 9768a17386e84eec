package dev.meseta.cli;

import dev.meseta.graph.InvalidInputException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command {@code meseta}: without a subcommand it explains itself. */
@Command(
        name = "meseta",
        mixinStandardHelpOptions = true,
        version = "meseta 0.1.0",
        description = "Runs models on the accelerators of this machine.",
        subcommands = {
            DevicesCommand.class,
            InspectCommand.class,
            RunCommand.class,
            TraceCommand.class,
            CompileCommand.class,
            BenchCommand.class,
            ConformanceCommand.class,
            DemoCommand.class,
        })
public final class Main implements Runnable {
    /** The arguments or the input are wrong. */
    static final int USERS_MISTAKE = 2;
    /** Meseta is wrong. */
    static final int OUR_MISTAKE = 1;

    @CommandLine.Spec
    private CommandLine.Model.@org.jspecify.annotations.Nullable CommandSpec spec;

    private Main() {}

    /**
     * Runs one command line and ends the process with its exit code: 0 success, 1 a failure of Meseta's own, 2 a
     * mistake in the arguments or the input.
     *
     * @param args the arguments, without the program's name
     */
    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, System.out.charset());
        PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
        int code = run(out, err, args);
        out.flush();
        err.flush();
        System.exit(code);
    }

    /**
     * Runs one command line, and leaves the process as it was.
     *
     * @param out where the answer goes
     * @param err where messages go
     * @param args the arguments, without the program's name
     * @return the exit code, as {@link #main} ends with it
     */
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        // Reading pictures needs no display.
        System.setProperty("java.awt.headless", "true");
        CommandLine command = new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setUsageHelpWidth(80)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpLongOptionsMaxWidth(30);
        command.setParameterExceptionHandler((e, given) -> wrongArguments(err, e, given));
        command.setExecutionExceptionHandler((e, _, _) -> failed(err, e));
        try {
            return command.execute(args);
        } catch (OutOfMemoryError | StackOverflowError e) {
            return failed(err, e);
        }
    }

    private static int wrongArguments(PrintWriter err, ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        String message =
                String.valueOf(e.getMessage()).replaceFirst(" is not an? (int|long)$", " is not a whole number");
        err.println("meseta: "
                + (message.isEmpty() ? message : Character.toLowerCase(message.charAt(0)) + message.substring(1))
                + similar(e) + "; see " + command.getCommandSpec().qualifiedName() + " --help");
        trace(err, e);
        return USERS_MISTAKE;
    }

    private static String similar(ParameterException e) {
        if (!(e instanceof CommandLine.UnmatchedArgumentException unmatched)) return "";
        List<String> suggestions = unmatched.getSuggestions();
        return suggestions.isEmpty() ? "" : " (did you mean " + suggestions.getFirst() + "?)";
    }

    /** One line for what went wrong, and whose mistake it is. */
    static int failed(PrintWriter err, Throwable e) {
        int code = e instanceof InvalidInputException ? USERS_MISTAKE : OUR_MISTAKE;
        String message = switch (e) {
            case InvalidInputException _ -> String.valueOf(e.getMessage());
            case OutOfMemoryError _ ->
                "not enough memory (" + e.getMessage()
                        + "); Java may take more with MESETA_JAVA_OPTIONS=-Xmx8g, native memory is the machine's";
            case StackOverflowError _ ->
                "the model is nested too deeply; Java may go deeper with MESETA_JAVA_OPTIONS=-Xss64m";
            default -> "a failure of Meseta's own: " + e;
        };
        if (code == OUR_MISTAKE && !debug()) message += " (MESETA_DEBUG=trace shows where)";
        err.println("meseta: " + message);
        trace(err, e);
        return code;
    }

    private static boolean debug() {
        String debug = System.getenv("MESETA_DEBUG");
        return debug != null && Arrays.asList(debug.split("[, ]+")).contains("trace");
    }

    private static void trace(PrintWriter err, Throwable e) {
        if (debug()) e.printStackTrace(err);
    }

    @Override
    public void run() {
        if (spec != null) spec.commandLine().usage(spec.commandLine().getOut());
    }
}
