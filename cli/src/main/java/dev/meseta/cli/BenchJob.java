package dev.meseta.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What one process measures.
 *
 * @param task what is measured
 * @param model the model's file
 * @param inputs the file with its inputs, as {@link TensorFile} writes it
 * @param device the device's name
 * @param peer the peer's name; empty without one
 * @param threads how many threads a run may use on either side
 * @param settle milliseconds of rest before each turn
 * @param seconds how long the steady state is measured
 */
record BenchJob(
        Task task, Path model, Path inputs, String device, String peer, int threads, double settle, double seconds) {
    /** What one process measures. */
    enum Task {
        /** The search for better choices of the compiler's; {@code seconds} is its limit. */
        TUNE,
        /** Loading, the first run and memory, of Meseta. */
        START,
        /** The same of the peer. */
        PEER_START,
        /** Runs, in turns with the peer's where there is one, and how far the answers are apart. */
        STEADY
    }

    BenchJob with(Task newTask) {
        return new BenchJob(newTask, model, inputs, device, peer, threads, settle, seconds);
    }

    BenchJob within(double newSeconds) {
        return new BenchJob(task, model, inputs, device, peer, threads, settle, newSeconds);
    }

    /** Without the peer. */
    BenchJob alone() {
        return new BenchJob(task, model, inputs, device, "", threads, settle, seconds);
    }

    BenchJob of(Path file) {
        return new BenchJob(task, file, inputs, device, peer, threads, settle, seconds);
    }

    List<String> arguments() {
        Map<String, Object> all = new TreeMap<>(Map.of(
                "task", task,
                "model", model,
                "inputs", inputs,
                "device", device,
                "peer", peer,
                "threads", threads,
                "settle", settle,
                "seconds", seconds));
        List<String> arguments = new ArrayList<>();
        all.forEach((key, value) -> arguments.add(key + "=" + value));
        return arguments;
    }

    static BenchJob parse(String... arguments) {
        Properties all = new Properties();
        for (String a : arguments) all.setProperty(a.substring(0, a.indexOf('=')), a.substring(a.indexOf('=') + 1));
        return new BenchJob(
                Task.valueOf(all.getProperty("task", "")),
                Path.of(all.getProperty("model", "")),
                Path.of(all.getProperty("inputs", "")),
                all.getProperty("device", ""),
                all.getProperty("peer", ""),
                Integer.parseInt(all.getProperty("threads", "")),
                Double.parseDouble(all.getProperty("settle", "")),
                Double.parseDouble(all.getProperty("seconds", "")));
    }
}
