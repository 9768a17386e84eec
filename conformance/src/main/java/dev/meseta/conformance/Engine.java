package dev.meseta.conformance;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.driver.Device;
import dev.meseta.graph.Data;
import dev.meseta.graph.program.Program;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a suite asks of the stack under test. Thread-safe. */
@FunctionalInterface
public interface Engine {
    /** Makes a program ready to run. */
    Prepared prepare(Program program);

    /** A program that is ready to run, any number of times. */
    @FunctionalInterface
    interface Prepared {
        /** The outputs in the program's order, null for one that the run did not give. */
        List<@Nullable Data> run(Map<String, Data> inputs);
    }

    /** The stack itself on one device. */
    static Engine of(Meseta meseta, Device device) {
        return program -> {
            Session session = meseta.load(program).on(device).prepare();
            return inputs -> {
                Map<String, Data> outputs = session.run(inputs).all();
                List<@Nullable Data> ordered = new java.util.ArrayList<>();
                program.outputs().forEach(p -> ordered.add(outputs.get(p.name())));
                return ordered;
            };
        };
    }
}
