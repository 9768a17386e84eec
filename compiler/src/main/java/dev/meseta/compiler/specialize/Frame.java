package dev.meseta.compiler.specialize;

import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A program that is being walked: the call that is next, and what its names stand for. */
final class Frame {
    final Program program;

    /** Names in the frame below that get the outputs. */
    final List<String> results;

    final Map<String, Binding> names;
    int next;

    Frame(Program program, List<String> results) {
        this.program = program;
        this.results = results;
        this.names = new HashMap<>();
        program.constants().forEach((name, data) -> names.put(name, new Binding.Known(data)));
    }

    private Frame(Frame f, Map<String, Binding> names) {
        this.program = f.program;
        this.results = f.results;
        this.next = f.next;
        this.names = names;
    }

    Frame copy() {
        return new Frame(this, new HashMap<>(names));
    }

    boolean isDone() {
        return next == program.calls().size();
    }

    /** Names that calls from the next one on, or the outputs, still read. */
    Set<String> live() {
        Set<String> live = new HashSet<>();
        for (Call c : program.calls().subList(next, program.calls().size())) live.addAll(c.inputs());
        for (Port p : program.outputs()) live.add(p.name());
        return live;
    }
}
