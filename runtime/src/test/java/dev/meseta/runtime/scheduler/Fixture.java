package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Stop;
import dev.meseta.drivers.mock.MockDevice;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;

/** What tests of the scheduler begin with: a graph that doubles a number, and a device. */
final class Fixture {
    static final Duration TIMEOUT = Duration.ofMillis(100);
    static final Duration LONG = Duration.ofSeconds(30);

    private Fixture() {}

    static MockDevice mock(int credits, boolean synchronous, Stop stop) {
        return new MockDevice(new Limits(credits, synchronous, false, 64, TIMEOUT, Duration.ofSeconds(20)), stop);
    }

    static Executable doubling(GraphDevice device) {
        GraphBuilder b = new GraphBuilder("doubling", Interpreter::evaluate);
        Value x = b.input("x", Tensor.of(new float[1], 1).type());
        return device.compile(b.build(List.of(b.plus(x, x))));
    }

    static TensorType type() {
        return Tensor.of(new float[1], 1).type();
    }

    /** A job with buffers of its own. */
    static Submission job(Client client, Executable e) {
        Device d = client.scheduler().device();
        Submission s = client.prepare(e);
        for (int i = 0; i < e.regions().size(); i++)
            s.bind(i, Buffer.allocate(d, e.regions().get(i).bytes(), false));
        return s;
    }

    static void put(Submission s, float x) {
        s.buffer(0).begin(Access.WRITE).set(ValueLayout.JAVA_FLOAT, 0, x);
        s.buffer(0).end();
    }

    static float result(Submission s) {
        float y = s.buffer(1).begin(Access.READ).get(ValueLayout.JAVA_FLOAT, 0);
        s.buffer(1).end();
        return y;
    }

    static DeviceException.Kind kind(Throwable t) {
        return t instanceof DeviceException e ? e.kind() : null;
    }
}
