package dev.meseta.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A quota of a control group that is made for the test limits a process in it. The JVM is told not to look at groups itself, so that this is our
 * own reading. Where no group may be made, as without root's rights, the test is skipped.
 */
final class ControlGroupTest {
    private static final Path MOUNT = Path.of("/sys/fs/cgroup");
    private static final int PERIOD = 100_000;

    /** A new group below one of the places where a process' groups may be. */
    private static Path make() {
        List<String> reasons = new ArrayList<>();
        for (Path parent : List.of(MOUNT, MOUNT.resolve("cpu"), MOUNT.resolve("cpu,cpuacct"))) {
            Path group = parent.resolve("meseta-test-" + ProcessHandle.current().pid());
            if (!Files.exists(parent.resolve("cgroup.procs"))) continue;
            try {
                Files.createDirectory(group);
                if (Files.isWritable(quotaFile(group)) && Files.isWritable(group.resolve("cgroup.procs"))) return group;
                reasons.add(group + " cannot limit processors");
                Files.delete(group);
            } catch (IOException e) {
                reasons.add(e.toString());
            }
        }
        assumeTrue(false, "no control group can be made here: " + reasons);
        return MOUNT;
    }

    private static Path quotaFile(Path group) {
        Path second = group.resolve("cpu.max");
        return Files.exists(second) ? second : group.resolve("cpu.cfs_quota_us");
    }

    /** Sets a quota, in microseconds of each {@link #PERIOD}. */
    private static void limit(Path group, int quota) throws IOException {
        Path file = quotaFile(group);
        boolean second = file.endsWith("cpu.max");
        if (!second) Files.writeString(group.resolve("cpu.cfs_period_us"), Integer.toString(PERIOD));
        Files.writeString(file, second ? quota + " " + PERIOD : Integer.toString(quota));
    }

    private static String location(Class<?> of) throws URISyntaxException {
        return Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI())
                .toString();
    }

    /** What {@link Processors#usable} says in a process of the group. */
    private static int usable(Path group) throws IOException, InterruptedException, URISyntaxException {
        Process p = new ProcessBuilder(
                        "sh",
                        "-c",
                        "echo $$ >\"$0\" && exec \"$@\"",
                        group.resolve("cgroup.procs").toString(),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:-UseContainerSupport",
                        "-XX:ActiveProcessorCount=8",
                        "-cp",
                        location(Processors.class) + ":" + location(ControlGroupTest.class),
                        ControlGroupTest.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, p.waitFor(), said);
        return Integer.parseInt(said);
    }

    public static void main(String[] arguments) {
        System.out.println(Processors.here().usable());
    }

    @Test
    void aQuotaOfARealGroupCounts() throws IOException, InterruptedException, URISyntaxException {
        int all = Processors.here().usable();
        assumeTrue(all > 1, "with one processor no quota makes a difference");
        Path group = make();
        try {
            assertEquals(all, usable(group), "without a quota");
            limit(group, PERIOD / 2);
            assertEquals(1, usable(group), "half a processor");
            limit(group, PERIOD + PERIOD / 2);
            assertEquals(2, usable(group), "one and a half");
        } finally {
            Files.delete(group);
        }
    }
}
