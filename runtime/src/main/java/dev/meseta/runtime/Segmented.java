package dev.meseta.runtime;

import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A graph that runs on several devices, segment after segment. Values have numbers: the graph's inputs in order, then the outputs of the first
 * segment, and so on. No device runs it as one job; a {@link ProgramRunner} does, with a job for each segment.
 *
 * @param inputs bytes of the graph's inputs
 * @param outputs the types of the graph's outputs
 * @param results the number of each of the graph's outputs
 * @param refusals what the device for parts does not run
 * @param macsOnDevice multiply-accumulates on that device
 * @param macs multiply-accumulates in all
 */
public record Segmented(
        List<Segment> segments,
        List<Long> inputs,
        List<TensorType> outputs,
        List<Integer> results,
        List<Refusal> refusals,
        long macsOnDevice,
        long macs)
        implements Executable {
    public Segmented {
        segments = List.copyOf(segments);
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        results = List.copyOf(results);
        refusals = List.copyOf(refusals);
    }

    /**
     * A part of it.
     *
     * @param partial whether its device is the one for parts of graphs: then it is a submission to it
     * @param ops its operations, by name, without constants
     * @param operands the number of each of its inputs
     */
    public record Segment(
            Device device, boolean partial, Executable executable, List<String> ops, List<Integer> operands) {
        public Segment {
            ops = List.copyOf(ops);
            operands = List.copyOf(operands);
        }
    }

    /**
     * An operation that the device for parts does not run.
     *
     * @param op its name
     * @param node the model's node that it comes from
     * @param reason why
     */
    public record Refusal(String op, String node, String reason) {}

    /** Jobs on the device for parts that a run submits. */
    public int submissions() {
        return (int) segments.stream().filter(Segment::partial).count();
    }

    @Override
    public List<Region> regions() {
        return Region.of(inputs, outputs.stream().map(TensorType::bytes).toList());
    }

    @Override
    public Optional<Image> image() {
        return SegmentedForm.image(this);
    }

    @Override
    public String describe() {
        List<String> lines = new ArrayList<>();
        for (Segment s : segments) {
            lines.add("on " + s.device().name() + ":");
            s.executable().describe().lines().forEach(l -> lines.add("  " + l));
        }
        return String.join("\n", lines);
    }

    /** Of the segments that have one. */
    @Override
    public List<String> listing() {
        List<String> lines = new ArrayList<>();
        for (Segment s : segments) lines.addAll(s.executable().listing());
        return lines;
    }
}
