package dev.meseta.drivers.ethosu;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.compiler.GraphCompiler;
import dev.meseta.drivers.ethosu.compiler.Machine;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The driver of Ethos-U65. It compiles graphs, and has a model of the device that runs them. */
public final class EthosuDriver implements Driver {
    private static final String NAME = "ethosu";
    private static final List<Device> MODELS = List.of(
            new Modelled(NAME, Machine.U65_256),
            new Modelled(NAME + ":" + Machine.U65_256.target(), Machine.U65_256),
            new Modelled(NAME + ":" + Machine.U65_512.target(), Machine.U65_512));

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Handshake handshake() {
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), Set.of(), 0);
    }

    @Override
    public List<Device> devices() {
        return List.of();
    }

    @Override
    public List<Device> models() {
        return MODELS;
    }

    @Override
    public String unavailable() {
        return "a model of the device (--device " + NAME + "); boards are not driven yet";
    }

    private record Modelled(String name, Machine machine) implements GraphDevice {
        @Override
        public String description() {
            return "a model of Arm's Ethos-U65, to the bit, with " + machine.cores()
                    + (machine.cores() == 1 ? " core" : " cores");
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public void run(Job job) {
            job.started();
            ((Compiled) job.executable()).run(job);
        }

        @Override
        public String refuses(Node node) {
            return "";
        }

        @Override
        public List<String> refusals(Graph graph) {
            return GraphCompiler.refusals(graph);
        }

        @Override
        public Executable compile(Graph graph) {
            Program p = GraphCompiler.compile(graph, machine);
            CommandStream stream = p.stream();
            Checker.check(stream, p.regionBytes());
            return new Compiled(p, stream, Region.of(graph), graph.outputTypes());
        }
    }

    private record Compiled(Program program, CommandStream stream, List<Region> regions, List<TensorType> outputs)
            implements Executable {
        void run(Job job) {
            MemorySegment maps = MemorySegment.ofArray(new byte[Math.toIntExact(program.mapBytes())]);
            int inputs = program.inputs().size();
            for (int i = 0; i < inputs; i++) {
                Program.Place p = program.inputs().get(i);
                MemorySegment.copy(job.memory(i), 0, maps, p.offset(), p.type().bytes());
            }
            MemorySegment fast = MemorySegment.ofArray(new byte[Math.toIntExact(program.fastBytes())]);
            DeviceModel.run(stream, program.constants(), maps, fast);
            for (int i = 0; i < outputs.size(); i++) {
                Program.Place p = program.outputs().get(i);
                MemorySegment.copy(
                        maps, p.offset(), job.memory(inputs + i), 0, p.type().bytes());
            }
        }

        @Override
        public String describe() {
            return String.join("\n", program.notes());
        }
    }
}
