package dev.meseta.runtime;

import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.graph.Tensor;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What runs a stage's graph on tensors. Thread-safe; several runs may be under way. */
@FunctionalInterface
public interface GraphJobs {
    /** The outputs of a run, as new tensors; inputs are read only during the call. */
    List<Tensor> run(List<Tensor> inputs);

    /** On the client's device, or for what has several segments on theirs, each through the scheduler of its own. */
    static GraphJobs of(Client client, Executable executable) {
        if (!(executable instanceof Segmented s)) return new TensorJobs(client, executable)::run;
        Map<Device, Client> clients = new IdentityHashMap<>();
        clients.put(client.scheduler().device(), client);
        List<TensorJobs> jobs = new ArrayList<>();
        for (Segmented.Segment segment : s.segments()) {
            Client own = clients.computeIfAbsent(
                    segment.device(), d -> Schedulers.of(d).client(client.name()));
            jobs.add(new TensorJobs(own, segment.executable()));
        }
        int[] lastUses = lastUses(s);
        return inputs -> run(s, jobs, lastUses, inputs);
    }

    /** The last segment that reads each value; results of the whole are read at the end. */
    private static int[] lastUses(Segmented s) {
        int values = s.inputs().size();
        for (Segmented.Segment segment : s.segments())
            values += segment.executable().outputs().size();
        int[] last = new int[values];
        for (int i = 0; i < s.segments().size(); i++)
            for (int v : s.segments().get(i).operands()) last[v] = i;
        for (int v : s.results()) last[v] = s.segments().size();
        return last;
    }

    private static List<Tensor> run(Segmented s, List<TensorJobs> jobs, int[] lastUses, List<Tensor> inputs) {
        @Nullable Tensor[] values = Arrays.copyOf(inputs.toArray(Tensor[]::new), lastUses.length);
        int next = inputs.size();
        for (int i = 0; i < jobs.size(); i++) {
            List<Tensor> operands = new ArrayList<>();
            for (int v : s.segments().get(i).operands()) operands.add(value(values, v));
            for (Tensor t : jobs.get(i).run(operands)) values[next++] = t;
            for (int v : s.segments().get(i).operands()) if (lastUses[v] == i) values[v] = null;
        }
        List<Tensor> results = new ArrayList<>();
        for (int i = 0; i < s.results().size(); i++) {
            int v = s.results().get(i);
            // An input that is an output too is the caller's; a value that is several outputs is given as several
            // tensors.
            boolean own = v >= inputs.size() && s.results().indexOf(v) == i;
            results.add(own ? value(values, v) : value(values, v).copy());
        }
        return results;
    }

    private static Tensor value(@Nullable Tensor[] values, int v) {
        Tensor t = values[v];
        if (t == null) throw new IllegalStateException("value " + v + " is read before it is there");
        return t;
    }
}
