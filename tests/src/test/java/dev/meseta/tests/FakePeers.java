package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.conformance.Peer;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Peers for tests: Meseta itself in another's clothes. */
public final class FakePeers {
    private FakePeers() {}

    /** Answers as Meseta does. */
    public static final class Same implements Peer {
        @Override
        public String name() {
            return "same";
        }

        @Override
        public String version() {
            return "1";
        }

        @Override
        public Loaded load(Path model, int threads) {
            return loaded(model, 0);
        }
    }

    /** Answers more than Meseta by one. */
    public static final class Wrong implements Peer {
        @Override
        public String name() {
            return "wrong";
        }

        @Override
        public String version() {
            return "2";
        }

        @Override
        public Loaded load(Path model, int threads) {
            return loaded(model, 1);
        }
    }

    /** Takes no model. */
    public static final class Refusing implements Peer {
        @Override
        public String name() {
            return "refusing";
        }

        @Override
        public String version() {
            return "3";
        }

        @Override
        public Loaded load(Path model, int threads) {
            throw new RefusedException("not today", new IllegalStateException());
        }
    }

    private static Peer.Loaded loaded(Path model, double more) {
        Meseta meseta = Meseta.open();
        Session session = meseta.load(model).on("reference").prepare();
        return new Peer.Loaded() {
            @Override
            public Peer.Bound bind(Map<String, ? extends Data> inputs) {
                return bound(session, inputs, more);
            }

            @Override
            public void close() {
                session.close();
                meseta.close();
            }
        };
    }

    private static Peer.Bound bound(Session session, Map<String, ? extends Data> inputs, double more) {
        return new Peer.Bound() {
            @Override
            public void run() {
                session.run(inputs);
            }

            @Override
            public Map<String, Data> answer() {
                Map<String, Data> answer = new LinkedHashMap<>();
                session.run(inputs).all().forEach((name, data) -> {
                    Tensor t = Tensor.allocate(((Tensor) data).type());
                    for (long i = 0; i < t.elements(); i++) t.setDouble(i, ((Tensor) data).getDouble(i) + more);
                    answer.put(name, t);
                });
                return answer;
            }

            @Override
            public void close() {}
        };
    }
}
