package dev.meseta.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command {@code meseta}: without a subcommand it explains itself. */
@Command(
        name = "meseta",
        mixinStandardHelpOptions = true,
        version = "meseta 0.1.0",
        description = "Runs models on the accelerators of this machine.")
public final class Main implements Runnable {
    private Main() {}

    /**
     * Runs one command line and ends the process with its exit code: 0 success, 1 a failure of Meseta's own, 2 a
     * mistake in the arguments or the input.
     *
     * @param args the arguments, without the program's name
     */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.out);
    }
}
