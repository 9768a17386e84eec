package dev.meseta.drivers.ethosu;

import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.drivers.ethosu.compiler.GraphCompiler;
import dev.meseta.drivers.ethosu.compiler.Machine;
import dev.meseta.graph.Graph;
import dev.meseta.linux.AccelDevice;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.FileStamp;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A device on a board or on the model of one: everything below is the same bytes for both. Thread-safe. */
record NpuDevice(String name, String description, Machine machine, Board board) implements GraphDevice {
    /**
     * The kernel takes one job at a time, resets the device where it makes no progress for half a second, and does not say how far it is: so
     * the time-out is for a whole job, which a model may need some time for.
     */
    private static final Limits LIMITS = new Limits(1, true, true, 64, Duration.ofMinutes(2), Duration.ofMinutes(2));

    /** A board that the kernel has. Throws {@link DeviceException} for one that nothing is compiled for. */
    static NpuDevice of(String name, String file, Board board) {
        for (Machine m : List.of(Machine.U65_256, Machine.U65_512)) {
            if (board.info().runs(m.configuration(), 0)) {
                return new NpuDevice(name, "Arm Ethos-" + board.info().model() + " by " + file, m, board);
            }
        }
        String model = board.info().model();
        board.close();
        throw DeviceException.unsupported(file + " is an Ethos-" + model + ", which is not compiled for");
    }

    @Override
    public Map<String, String> properties() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("model", board.info().model());
        facts.put("version", board.info().version());
        facts.put("fast memory", board.info().fastBytes() / 1024 + " KiB");
        return facts;
    }

    @Override
    public Limits limits() {
        return LIMITS;
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        AccelDevice.Memory m = board.allocate(bytes);
        try {
            int descriptor = shareable ? m.export() : -1;
            return new Allocation(m.segment(), descriptor, m.handle(), () -> {
                if (descriptor >= 0) Descriptor.own(descriptor).close();
                m.close();
            });
        } catch (RuntimeException e) {
            m.close();
            throw e;
        }
    }

    /** Any memory that can be mapped will do, since jobs copy what they are given. */
    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        return HostAllocations.importMemory(descriptor, bytes, access);
    }

    @Override
    public void run(Job job) {
        LoadedProgram program = (LoadedProgram) job.executable();
        List<MemorySegment> bound = new ArrayList<>();
        for (int i = 0; i < program.regions().size(); i++) bound.add(job.memory(i));
        job.started();
        program.run(bound, job::isCancelled);
    }

    @Override
    public List<String> refusals(Graph graph) {
        return GraphCompiler.refusals(graph);
    }

    @Override
    public boolean isPartial() {
        return true;
    }

    @Override
    public Executable compile(Graph graph) {
        return LoadedProgram.of(board, GraphCompiler.compile(graph, machine));
    }

    @Override
    public String identity() {
        return requirements() + "\n" + FileStamp.ofClasses(NpuDevice.class);
    }

    @Override
    public String requirements() {
        return "form " + Program.FORM + " " + machine.target();
    }

    @Override
    public String lacks(String requirements) {
        return requirements.equals(requirements())
                ? ""
                : "it needs " + requirements + ", " + name + " runs " + requirements();
    }

    @Override
    public Executable load(Image image) {
        return LoadedProgram.of(board, Program.of(image));
    }
}
