package dev.meseta.conformance;

import dev.meseta.graph.Data;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Another runtime for the same model files, to compare answers and speed with. Found as a service: the stack itself comes without any.
 */
public interface Peer {
    /** What it is called on command lines, such as {@code onnxruntime}. */
    String name();

    /** Its version, for reports. */
    String version();

    /**
     * Reads a model and makes it ready, as fast to run as the peer can without being told about the model.
     *
     * @param model the model's file
     * @param threads how many threads a run may use, the caller's among them
     * @throws RefusedException if the peer does not take the model
     */
    Loaded load(Path model, int threads);

    /** A model that is loaded. Not thread-safe. */
    interface Loaded extends AutoCloseable {
        /**
         * Takes inputs over into the peer's own form, so that a run need not.
         *
         * @param inputs by name
         * @throws RefusedException if the peer has no such type
         */
        Bound bind(Map<String, ? extends Data> inputs);

        @Override
        void close();
    }

    /** A loaded model with its inputs. Not thread-safe; of no use once the model is closed. */
    interface Bound extends AutoCloseable {
        /**
         * One run, whose outputs are dropped.
         *
         * @throws RefusedException if the peer cannot run it
         */
        void run();

        /**
         * One run with its outputs, by name; they are copies.
         *
         * @throws RefusedException if the peer cannot run it
         */
        Map<String, Data> answer();

        @Override
        void close();
    }

    /** The peer does not do what it is asked for; the message is its own. */
    final class RefusedException extends RuntimeException {
        public RefusedException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The peers on this class path. */
    static List<Peer> all() {
        List<Peer> peers = new ArrayList<>();
        ServiceLoader.load(Peer.class).forEach(peers::add);
        return peers;
    }
}
